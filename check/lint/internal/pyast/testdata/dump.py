"""Writes the trees of CPython's ast as dump_test.go writes ours.

Reads paths from standard input, a line each, and answers each with a line:
the SHA-256 of the tree, or "error" where CPython does not read the file.
With a path as argument it writes the tree itself.
"""

import ast
import hashlib
import struct
import sys
import warnings

warnings.simplefilter("ignore")
sys.setrecursionlimit(10000)

PLACELESS = {"arguments", "comprehension", "withitem", "match_case"}
SKIPPED = {"type_comment", "kind", "type_ignores"}
FIELDS: dict[type, tuple[str, list[tuple[str, str]]]] = {}


def fields(cls):
    known = FIELDS.get(cls)
    if known is None:
        names = sorted((f.replace("_", ""), f) for f in cls._fields if f not in SKIPPED)
        known = FIELDS[cls] = (cls.__name__.replace("_", "").lower(), names)
    return known


def constant(v):
    if v is None or v is True or v is False:
        return str(v)
    if v is ...:
        return "Ellipsis"
    if isinstance(v, str):
        return "s" + v.encode("utf-8", "surrogatepass").hex()
    if isinstance(v, bytes):
        return "b" + v.hex()
    if isinstance(v, int):
        return "i%x" % v
    if isinstance(v, float):
        return "f" + struct.pack(">d", v).hex()
    return "j" + struct.pack(">d", v.imag).hex()


def value(v, out, joined):
    if v is None or v == "":
        out("-")
    elif isinstance(v, list):
        out("[")
        for x in v:
            value(x, out, joined)
            out(",")
        out("]")
    elif isinstance(v, (ast.operator, ast.cmpop, ast.unaryop, ast.boolop, ast.expr_context)):
        out(type(v).__name__)
    elif isinstance(v, ast.AST):
        node(v, out, joined)
    else:
        out(str(v))


def node(n, out, joined):
    cls = type(n)
    name, names = fields(cls)
    out(name + "(")
    inner = joined or cls is ast.JoinedStr
    if cls is ast.Constant:
        out(constant(n.value))
    else:
        for label, f in names:
            out(label + "=")
            v = getattr(n, f)
            if cls is ast.MatchSingleton:
                out(str(v))
            else:
                value(v, out, inner)
            out(";")
    out(")")
    if not joined and hasattr(n, "lineno"):
        out("@%d:%d-%d:%d" % (n.lineno, n.col_offset, n.end_lineno, n.end_col_offset))


def tree(path):
    with open(path, "rb") as f:
        parts = []
        for s in ast.parse(f.read()).body:
            node(s, parts.append, False)
            parts.append("\n")
    return "".join(parts)


if len(sys.argv) > 1:
    sys.stdout.buffer.write(tree(sys.argv[1]).encode("utf-8", "surrogatepass"))
    sys.exit()
for line in sys.stdin:
    try:
        print(hashlib.sha256(tree(line.rstrip("\n")).encode("utf-8", "surrogatepass")).hexdigest(), flush=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        print("error", flush=True)
