"""Answers of the packaging library, and a slow and obvious matcher on top of it.

    oracle.py versions   order and normal form of versions
    oracle.py contains   what specifiers admit
    oracle.py markers    what markers come to
    oracle.py require    what requirements say
    oracle.py match DIR  pairs of name and version, and the records that hold them
    oracle.py serve DIR  a service like OSV's on a free port, which it prints

Questions are JSON on standard input, answers JSON on standard output.
"""

import functools
import http.server
import io
import json
import pathlib
import random
import sys
import zipfile

from packaging.markers import InvalidMarker, Marker, UndefinedComparison
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


@functools.lru_cache(maxsize=None)
def parse(text):
    try:
        return Version(text)
    except InvalidVersion:
        return None


def versions(pairs):
    """For each pair: both normal forms, and -1, 0 or 1; null for what is no version."""
    for a, b in pairs:
        v, w = parse(a), parse(b)
        order = None if v is None or w is None else (v > w) - (v < w)
        yield [v and str(v), w and str(w), order]


def contains(cases):
    for specifiers, version, prereleases in cases:
        try:
            admitted = SpecifierSet(specifiers)
            yield admitted.contains(version, prereleases=prereleases or bool(admitted.prereleases))
        except (InvalidSpecifier, InvalidVersion):
            yield None


def markers(cases):
    for text, environment in cases:
        try:
            yield Marker(text).evaluate(environment)
        except (InvalidMarker, UndefinedComparison):
            yield None


def require(cases):
    for text in cases:
        try:
            r = Requirement(text)
        except (InvalidRequirement, InvalidSpecifier):
            yield None
            continue
        yield {
            "name": r.name,
            "extras": sorted(r.extras),
            "specifiers": sorted(str(s) for s in r.specifier),
            "url": r.url or "",
            "marker": str(r.marker) if r.marker else "",
        }


def records(directory):
    """The records of a folder of JSON files or zips, below PyPI."""
    for path in sorted(pathlib.Path(directory, "PyPI").iterdir()):
        if path.suffix == ".json":
            yield json.loads(path.read_bytes())
        elif path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as z:
                for name in sorted(z.namelist()):
                    yield json.loads(z.read(name))


def by_name(directory):
    out = {}
    for record in records(directory):
        if record.get("withdrawn"):
            continue
        for affected in record.get("affected", []):
            package = affected.get("package", {})
            if package.get("ecosystem") == "PyPI":
                out.setdefault(canonicalize_name(package["name"]), []).append((record, affected))
    return out


def in_range(events, version):
    """OSV's own algorithm, as its specification writes it."""
    affected = False
    flat = []
    for event in events:
        for kind, text in event.items():
            if kind == "introduced" and text != "0" and parse(text) is None:
                return None
            flat.append((kind, None if text == "0" and kind == "introduced" else parse(text)))
    if any(bound is None and not (kind == "introduced") for kind, bound in flat):
        return None  # compared with what is no version
    lowest = Version("0.dev0")
    # Where one stretch ends and the next begins, the version between is affected.
    order = ["fixed", "introduced", "last_affected", "limit"]
    flat.sort(key=lambda e: (e[1] if e[1] is not None else lowest, order.index(e[0])))
    # A build of 1.2 is 1.2, but for what is said of builds.
    public = Version(version.public)
    compared = [(kind, bound, version if bound is not None and bound.local else public) for kind, bound in flat]
    for kind, bound, have in compared:
        if kind == "introduced" and (bound is None or have >= bound):
            affected = True
        elif kind == "fixed" and have >= bound:
            affected = False
        elif kind == "last_affected" and have > bound:
            affected = False
    limits = [(bound, have) for kind, bound, have in compared if kind == "limit"]
    return affected and (not limits or any(have < bound for bound, have in limits))


def matches(affected, version):
    """True or False, or None where a range cannot be compared and nothing else decides."""
    public = Version(version.public)
    for listed in (affected.get("versions") or []):
        if parse(listed) in (version, public) and parse(listed) is not None:
            return True
    ranges = [r for r in (affected.get("ranges") or []) if r.get("type") in ("ECOSYSTEM", "SEMVER")]
    verdicts = [in_range(r["events"], version) for r in ranges]
    if True in verdicts:
        return True
    if None in verdicts or not (affected.get("versions") or ranges):
        return None
    return False


def match(directory, want):
    """Versions around everything that the records name, in a fixed random order."""
    rng = random.Random(4)
    index = by_name(directory)
    pairs = set()
    for name, entries in index.items():
        seen = set()
        for _, affected in entries:
            seen.update((affected.get("versions") or []))
            for r in (affected.get("ranges") or []):
                if r.get("type") != "GIT":
                    seen.update(t for e in r["events"] for t in e.values())
        texts = sorted(t for t in seen if parse(t) is not None)
        if len(texts) > 40:
            texts = rng.sample(texts, 40)
        for text in texts:
            v = parse(text)
            last = v.release[-1]
            between = ".".join(map(str, v.release[:-1] + (last + 1,)))
            below = ".".join(map(str, v.release[:-1] + (max(last - 1, 0), 99)))
            for variant in (text, v.base_version + ".0", text.split("+")[0] + "+local.1", v.base_version + ".dev1",
                            v.base_version + "rc1", v.public.split(".dev")[0] + ".post9" if not v.is_postrelease else text,
                            between, below, "v" + text, f"{v.epoch + 1}!{v.base_version.split('!')[-1]}"):
                if parse(variant) is not None:
                    pairs.add((name, variant))
    pairs = sorted(pairs)
    rng.shuffle(pairs)
    for name, text in pairs[:want]:
        version = parse(text)
        verdicts = [(r["id"], matches(a, version)) for r, a in index[name]]
        sure = {i for i, verdict in verdicts if verdict}
        maybe = {i for i, verdict in verdicts if verdict is None} - sure
        yield [name, text, sorted(sure), sorted(maybe)]


def serve(directory):
    index = by_name(directory)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            entries = index.get(canonicalize_name(query["package"]["name"]), [])
            version = parse(query["version"])
            found = {r["id"]: r for r, a in entries if version is not None and matches(a, version)}
            body = json.dumps({"vulns": list(found.values())} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    elif sys.argv[1] == "match":
        json.dump(list(match(sys.argv[2], int(sys.argv[3]))), sys.stdout)
    else:
        json.dump(list(globals()[sys.argv[1]](json.load(sys.stdin))), sys.stdout)
