"""Writes the known answers that packages fieldcrypt and passwords are tested with.

    answers.py DIR

writes DIR/fieldcrypt/testdata and DIR/passwords/testdata, always the same bytes.
Nothing here is made by the Go code: seals are Python's cryptography, with the key
derivations of the formats written down again, and hashes are those of the
libraries. The files have the shape of the Fernet specification's and of
Wycheproof's vectors: a comment for what is tested, flags for why.
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import sys
from datetime import datetime, timedelta, timezone

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def some(seed, n):
    """n bytes that have no pattern, and are always the same."""
    return hashlib.shake_256(b"pavise " + seed.encode()).digest(n)


def b64(b):
    return base64.urlsafe_b64encode(b).decode()


def std(b):
    return base64.b64encode(b).decode().rstrip("=")


def flip(b, byte, bit):
    return b[:byte] + bytes([b[byte] ^ 1 << bit]) + b[byte + 1 :]


BOUNDARIES = sorted({(1 << e) + d for e in range(11) for d in (-1, 0, 1)} | {4096})


# Fernet

SPEC_KEY = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
SPEC_TIME = datetime(1985, 10, 26, 1, 20, tzinfo=timezone(timedelta(hours=-7)))


def fernet_raw(src=b"hello", at=None, iv=bytes(range(16)), key=SPEC_KEY, version=0x80, padded=None, mac=None, tail=b""):
    key = base64.urlsafe_b64decode(key)
    at = int(SPEC_TIME.timestamp()) if at is None else at
    if padded is None:
        n = 16 - len(src) % 16
        padded = src + bytes([n]) * n
    e = Cipher(algorithms.AES(key[16:]), modes.CBC(iv)).encryptor()
    signed = bytes([version]) + struct.pack(">Q", at) + iv + e.update(padded) + tail
    return signed + (hmac.new(key[:16], signed, hashlib.sha256).digest() if mac is None else mac)


def python_opens(token, key, ttl=None, now=None):
    try:
        f = Fernet(key)
        return f.decrypt(token) if ttl is None else f.decrypt_at_time(token, ttl, now)
    except (InvalidToken, ValueError):
        return None


def later(seconds):
    return (SPEC_TIME + timedelta(seconds=seconds)).isoformat()


def fernet():
    generate, verify, invalid = [], [], []
    other = b64(some("fernet key", 32))

    def good(src, at=0, iv=bytes(range(16)), key=SPEC_KEY, desc=""):
        when = int(SPEC_TIME.timestamp()) + at
        token = b64(fernet_raw(src.encode(), when, iv, key))
        assert python_opens(token, key) == src.encode()
        generate.append({"desc": desc, "token": token, "now": later(at), "iv": list(iv), "src": src, "secret": key})
        return token

    good("hello", desc="the specification's own")
    for n in (0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 1000):
        good("".join(chr(0x20 + c % 0x5F) for c in some("src", n)), desc="%d bytes" % n)
    good("Zoë, 日本, \x00, \u2028, \U0001f511", desc="not ASCII")
    good("hello", iv=bytes(16), desc="IV of zeros")
    good("hello", iv=b"\xff" * 16, desc="IV of ones")
    good("hello", key=other, desc="another key")
    good("hello", at=-int(SPEC_TIME.timestamp()), desc="in 1970")
    good("hello", at=2**32 - 1 - int(SPEC_TIME.timestamp()), desc="the last second that begins gAAAA")
    good("hello", at=2**32 - int(SPEC_TIME.timestamp()), desc="the first second that does not")

    def fresh(desc, at, ttl, **how):
        token = b64(fernet_raw(**how))
        now = int(SPEC_TIME.timestamp()) + at
        src = python_opens(token, how.get("key", SPEC_KEY), ttl, now)
        assert src is not None, desc
        verify.append({"desc": desc, "token": token, "now": later(at), "ttl_sec": ttl, "src": src.decode(), "secret": how.get("key", SPEC_KEY)})

    fresh("the specification's own", 1, 60)
    fresh("at once", 0, 60)
    fresh("at the end of its time", 60, 60)
    fresh("no time at all, at once", 0, 0)
    fresh("a clock that is behind by the most that is forgiven", -60, 60)
    fresh("long kept", 10 * 365 * 86400, 11 * 365 * 86400)
    fresh("a year beyond 2106", 2**32, 2**32)
    fresh("empty", 1, 60, src=b"")
    fresh("a block of padding alone", 1, 60, src=b"0123456789abcdef")
    fresh("another key", 1, 60, key=other)

    def bad(desc, flags, token, at=1, ttl=60, canonical=False, key=SPEC_KEY):
        """canonical says that the token is the one text that was made."""
        now = int(SPEC_TIME.timestamp()) + at
        opens = []
        if python_opens(token, key) is not None:
            opens.append("compat")
            if canonical:
                opens.append("strict")
        if python_opens(token, key, ttl, now) is not None:
            assert not canonical, desc
            opens.append("compat fresh")
        invalid.append({"desc": desc, "flags": flags, "token": token, "now": later(at), "ttl_sec": ttl, "secret": key, "opens": opens})

    raw = fernet_raw()
    text = b64(raw)
    bad("far-future TS (unacceptable clock skew)", ["Time"], text, at=-61, canonical=True)
    bad("far-future TS of 2015", ["Time"], b64(fernet_raw(at=1445847605)), canonical=True)
    bad("TS of the last second that is signed", ["Time"], b64(fernet_raw(at=2**63 - 1)), canonical=True)
    bad("TS of the last second there is", ["Time"], b64(fernet_raw(at=2**64 - 1)), canonical=True)
    bad("expired TTL", ["Time"], text, at=61, canonical=True)
    bad("expired TTL of nothing", ["Time"], text, at=1, ttl=0, canonical=True)
    for i in range(len(raw)):
        part = "version" if i < 1 else "TS" if i < 9 else "IV" if i < 25 else "payload" if i < len(raw) - 32 else "mac"
        bad("incorrect %s: byte %d" % (part, i), ["Modified"], b64(flip(raw, i, i % 8)))
    sha1 = hmac.new(base64.urlsafe_b64decode(SPEC_KEY)[:16], raw[:-32], hashlib.sha1).digest()
    whole = hmac.new(base64.urlsafe_b64decode(SPEC_KEY), raw[:-32], hashlib.sha256).digest()
    early = hmac.new(base64.urlsafe_b64decode(SPEC_KEY)[:16], raw[25:-32], hashlib.sha256).digest()
    for desc, mac in {"zeros": bytes(32), "ones": b"\xff" * 32, "none": b"", "cut by a byte": raw[-32:-1], "half": raw[-32:-16], "a byte too long": raw[-32:] + b"\x00", "SHA-1": sha1, "by the whole key": whole, "of the payload alone": early}.items():
        bad("incorrect mac: " + desc, ["ModifiedMAC"], b64(raw[:-32] + mac))
    for desc, key in {"another key": other, "the halves of the key swapped": b64(base64.urlsafe_b64decode(SPEC_KEY)[16:] + base64.urlsafe_b64decode(SPEC_KEY)[:16]), "another encryption key": b64(base64.urlsafe_b64decode(SPEC_KEY)[:16] + some("half", 16))}.items():
        token = b64(fernet_raw(key=key))
        if python_opens(token, SPEC_KEY) is None:  # a wrong key can make right padding
            bad("sealed with " + desc, ["WrongKey"] + ["Signed"] * (desc == "another encryption key"), token)
    for n in (0, 1, 8, 9, 24, 25, 40, 41, 56, 57, 72):
        bad("too short: %d bytes" % n, ["Truncated"], b64(raw[:n]))
    bad("too short, signed: no payload", ["Truncated"], b64(fernet_raw(padded=b"")))
    for n in (1, 8, 15):
        bad("payload size not multiple of block size: %d bytes more" % n, ["BlockSize"], b64(fernet_raw(tail=bytes(n))))
        bad("payload size not multiple of block size: %d bytes alone" % n, ["BlockSize"], b64(fernet_raw(padded=b"", tail=bytes(n))))
    for desc, padded in {
        "zero": b"hello" + bytes(11), "17": bytes([17]) * 16, "17 over two blocks": bytes(15) + bytes([17]) * 17, "255": b"\xff" * 16, "32": bytes([32]) * 32,
        "first of three differs": bytes(13) + b"\x02\x03\x03", "ANSI X9.23": b"hello" + bytes(10) + b"\x0b", "ISO 7816": b"hello\x80" + bytes(10), "a block's, differing": b"\x0f" + b"\x10" * 15,
    }.items():
        bad("payload padding error: " + desc, ["Padding", "Signed"], b64(fernet_raw(padded=padded)))
    bad("incorrect IV", ["Modified"], b64(raw[:9] + bytes(16) + raw[25:]))
    signed = raw[:9] + flip(raw[9:25], 15, 6) + raw[25:-32]
    bad("incorrect IV, signed (causes padding error)", ["Padding", "Signed"], b64(signed + hmac.new(base64.urlsafe_b64decode(SPEC_KEY)[:16], signed, hashlib.sha256).digest()))
    for v in (0x00, 0x7F, 0x81, 0xA0, 0xC0, 0xFF):
        bad("version 0x%02x, signed" % v, ["Version"], b64(fernet_raw(version=v)))
    for n in (0, 32):
        bad("a payload of %d bytes behind the mac" % (16 + n), ["Appended"], b64(raw + bytes(16 + n)))
    rich = b64(fernet_raw(src=b"rich", iv=some("rich 1", 16)))
    assert "-" in rich and "_" in rich
    for desc, token in {
        "bad base64: percent signs": "%" * 11 + text[11:], "bad base64: a character of no alphabet": text[:9] + "!" + text[10:], "not ASCII": text[:9] + "é" + text[9:],
        "no padding": text.rstrip("="), "half of the padding": text[:-1], "more padding": text + "==", "padding in front": "==" + text, "padding inside": text[:4] + "==" + text[4:],
        "bits left over": text[:-3] + "B==", "standard alphabet": rich.replace("-", "+").replace("_", "/"), "half standard alphabet": rich.replace("-", "+"),
        "line break behind": text + "\n", "line break inside": text[:76] + "\r\n" + text[76:], "space before": " " + text, "NUL behind": text + "\x00", "NUL inside": text[:8] + "\x00" + text[8:],
        "a character more": text[:-2] + "A" + text[-2:], "something behind the padding": text + "AAAA", "twice": text + text, "quotes": '"' + text + '"', "upper case": text.upper(),
        "hexadecimal": raw.hex(), "base64 of the token": b64(text.encode()), "percent-encoded padding": text.replace("=", "%3D"), "empty": "", "padding alone": "==", "a JWT": "eyJhbGciOiJub25lIn0.e30.", "the prefix alone": "gAAAAA",
    }.items():
        bad(desc, ["Text"], token)
    return {"generate": generate, "verify": verify, "invalid": invalid}


# AES-GCM in the manner of C2SP's XAES-256-GCM

def subkey(key):
    """K1 of CMAC."""
    l = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(bytes(16))
    n = int.from_bytes(l, "big")
    return ((n << 1) & (1 << 128) - 1 ^ (0x87 if n >> 127 else 0)).to_bytes(16, "big"), n >> 127


def derive(key, nonce):
    halves = []
    for i in (1, 2):
        c = CMAC(algorithms.AES(key))
        c.update(struct.pack(">H", i) + b"X\x00" + nonce[:12])
        halves.append(c.finalize())
    return b"".join(halves)


def xaes_seal(key, nonce, msg, aad):
    return AESGCM(derive(key, nonce)).encrypt(nonce[12:], msg, aad)


NOTES = {
    "AdditionalData": "the associated data is not what was sealed, or is an edge: empty, long, with borders that move",
    "Appended": "something stands before or behind what was sealed",
    "CmacCarry": "doubling the subkey carries out of the block, or does not",
    "Context": "the token stands in another place than it was sealed for",
    "Length": "lengths around powers of two, blocks and chunks",
    "ModifiedCiphertext": "a bit of the ciphertext is flipped",
    "ModifiedNonce": "the nonce is not the one that was sealed with",
    "ModifiedTag": "the tag is not what it should be",
    "Order": "parts were left out, doubled or swapped",
    "Published": "a vector of the specification",
    "SpecialNonce": "a nonce of zeros, of ones, or half of each",
    "State": "the key may not open",
    "Text": "another text for the same bytes",
    "Truncated": "the end is missing",
    "WrongDerivation": "sealed as an implementation would that derives the key wrongly",
    "WrongKey": "sealed with another key",
    "WrongVersion": "sealed for another version or use of the key",
}


class Group(dict):
    def __init__(self, **fields):
        super().__init__(fields, tests=[])


def suite(algorithm, *groups):
    flags, n = set(), 0
    for g in groups:
        for t in g["tests"]:
            n += 1
            t["tcId"] = n
            flags.update(t["flags"])
    return {"algorithm": algorithm, "numberOfTests": n, "notes": {f: NOTES[f] for f in sorted(flags)}, "groups": groups}


def tags(sealed):
    """What may stand in place of a tag."""
    body, tag = sealed[:-16], sealed[-16:]
    for bit in range(128):
        yield "bit %d of the tag flipped" % bit, body + flip(tag, bit // 8, bit % 8)
    for name, t in {
        "zeros": bytes(16), "ones": b"\xff" * 16, "inverted": bytes(b ^ 0xFF for b in tag), "each first bit flipped": bytes(b ^ 0x80 for b in tag), "each last bit flipped": bytes(b ^ 1 for b in tag),
        "backwards": tag[::-1], "halves swapped": tag[8:] + tag[:8], "first half zero": bytes(8) + tag[8:], "last half zero": tag[:8] + bytes(8), "plus one": (int.from_bytes(tag, "big") + 1 & (1 << 128) - 1).to_bytes(16, "big"),
    }.items():
        yield "tag: " + name, body + t


def xaes():
    groups = []

    def group(key):
        g = Group(key=key.hex(), keySize=256, nonceSize=192, tagSize=128)
        groups.append(g)

        def add(comment, flags, nonce, aad, msg, sealed=None, result="valid"):
            if sealed is None:
                sealed = xaes_seal(key, nonce, msg, aad)
            g["tests"].append({"comment": comment, "flags": flags, "nonce": nonce.hex(), "aad": aad.hex(), "msg": msg.hex(), "ct": sealed[:-16].hex() if len(sealed) >= 16 else "", "tag": sealed[-16:].hex(), "result": result})

        return add

    nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX"
    for byte, aad, want in ((1, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"), (3, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d")):
        assert xaes_seal(bytes([byte]) * 32, nonce, b"XAES-256-GCM", aad).hex() == want
        group(bytes([byte]) * 32)("of the specification", ["Published", "CmacCarry"], nonce, aad, b"XAES-256-GCM")
    assert {subkey(bytes([b]) * 32)[1] for b in (1, 3)} == {0, 1}

    for carry in (0, 1):
        key = next(k for k in (some("carry %d" % i, 32) for i in range(64)) if subkey(k)[1] == carry)
        group(key)("the subkey's carry is %d" % carry, ["CmacCarry"], nonce, b"aad", b"message")

    key, nonce, aad, msg = some("xaes key", 32), some("xaes nonce", 24), b"associated", b"a message of 27 bytes, sir!"
    add = group(key)
    for n in BOUNDARIES:
        add("message of %d bytes" % n, ["Length"], nonce, aad, some("msg", n))
    for n in (0, 1, 11, 12, 13, 15, 16, 17, 31, 32, 33, 127, 128, 129, 255, 256, 257, 4095, 4096, 4097):
        add("associated data of %d bytes" % n, ["AdditionalData", "Length"], nonce, some("aad", n), msg)
    add("nothing at all", ["AdditionalData", "Length"], nonce, b"", b"")
    o, i = bytes(12), b"\xff" * 12
    special = {"zeros": o + o, "ones": i + i, "zeros, ones": o + i, "ones, zeros": i + o, "first bit": b"\x80" + bytes(23), "last bit": bytes(23) + b"\x01", "a counter's last": nonce[:20] + b"\xff" * 4, "a counter of GCM within": o + bytes(8) + struct.pack(">I", 1)}
    for name, n in special.items():
        add("nonce: " + name, ["SpecialNonce"], n, aad, msg)

    def bad(comment, flags, sealed, nonce=nonce, aad=aad, msg=msg):
        add(comment, flags, nonce, aad, msg, sealed, "invalid")

    sealed = xaes_seal(key, nonce, msg, aad)
    for comment, s in tags(sealed):
        bad(comment, ["ModifiedTag"], s)
    for n in range(1, 16):
        bad("tag of %d bytes" % (16 - n), ["Truncated"], sealed[:-n])
        bad("tag of %d bytes alone" % n, ["Truncated"], sealed[-16:][:n], msg=b"")
    bad("no tag", ["Truncated"], sealed[:-16])
    bad("nothing", ["Truncated"], b"", msg=b"")
    bad("a byte of the ciphertext is missing", ["Truncated"], sealed[:-17] + sealed[-16:])
    bad("a byte in front", ["Appended"], b"\x00" + sealed)
    bad("a byte before the tag", ["Appended"], sealed[:-16] + b"\x00" + sealed[-16:])
    bad("a byte behind", ["Appended"], sealed + b"\x00")
    for n in (0, 15, 16, 26):
        for bit in (0, 7):
            bad("bit %d of byte %d of the ciphertext flipped" % (bit, n), ["ModifiedCiphertext"], flip(sealed, n, bit))
    for n in range(24):
        bad("nonce: bit %d of byte %d flipped" % (n % 8, n), ["ModifiedNonce"], sealed, nonce=flip(nonce, n, n % 8))
    bad("nonce: halves swapped", ["ModifiedNonce"], sealed, nonce=nonce[12:] + nonce[:12])
    bad("nonce: zeros", ["ModifiedNonce"], sealed, nonce=bytes(24))
    for name, a in {"none": b"", "cut": aad[:-1], "a byte more": aad + b"\x00", "a byte before": b"\x00" + aad, "a bit flipped": flip(aad, 0, 0), "padded to a block": aad + bytes(16 - len(aad)), "the message": msg}.items():
        bad("associated data: " + name, ["AdditionalData"], sealed, aad=a)
    bad("associated data and message swapped", ["AdditionalData"], xaes_seal(key, nonce, aad, msg), msg=aad)
    bad("the border of associated data and ciphertext moved", ["AdditionalData"], sealed[1:], aad=aad + sealed[:1], msg=msg[1:])
    bad("sealed with another key", ["WrongKey"], xaes_seal(some("another", 32), nonce, msg, aad))

    def derived(comment, k, n=nonce[12:]):
        bad(comment, ["WrongDerivation"], AESGCM(k).encrypt(n, msg, aad))

    d = derive(key, nonce)
    derived("the key itself", key)
    derived("the derived key's halves swapped", d[16:] + d[:16])
    derived("half the derived key, as AES-128", d[:16])
    derived("the first half of the nonce for GCM", d, nonce[:12])
    derived("the derivation with the second half of the nonce", derive(key, nonce[12:] + nonce[:12]))

    def blocks(mask, counters=(1, 2), letter=b"X\x00"):
        e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return b"".join(e.update(bytes(a ^ b for a, b in zip(struct.pack(">H", i) + letter + nonce[:12], mask))) for i in counters)

    k1, carry = subkey(key)
    assert blocks(k1) == d
    derived("no subkey", blocks(bytes(16)))
    k2 = int.from_bytes(k1, "big")
    derived("the subkey of padded messages", blocks(((k2 << 1) & (1 << 128) - 1 ^ (0x87 if k2 >> 127 else 0)).to_bytes(16, "big")))
    derived("counters from zero", blocks(k1, (0, 1)))
    derived("a small x", blocks(k1, letter=b"x\x00"))
    return suite("XAES-256-GCM", *groups)


# The format of single values

VALUE = b"pavise fieldcrypt value v1"
LABEL = b"pavise fieldcrypt v1"
KEYS = {name: some("v1 key " + name, 32) for name in ("first", "second", "third")}


def key_id(material, kind=b"pavise"):
    return hashlib.sha256(b"pavise fieldcrypt key id\x00" + kind + b"\x00" + material).digest()[:4]


def expand(material, info, salt=None):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(material)


def place(fields):
    return b"".join(struct.pack(">I", len(f.encode())) + f.encode() for f in fields)


HERE = ("acme", "users", "ssn", "42")
NONCE = some("v1 nonce", 24)


def v1_raw(msg=b"123-45-6789", where=HERE, nonce=NONCE, material=KEYS["first"], ident=None, info=VALUE, label=LABEL, aad=None):
    ident = key_id(material) if ident is None else ident
    return ident + nonce + xaes_seal(expand(material, info), nonce, msg, label + ident + place(where) if aad is None else aad)


def v1_text(raw, prefix="pv1."):
    return prefix + b64(raw).rstrip("=")


def ring_of(*keys):
    return [{"material": b64(KEYS[name]), "state": state} for name, state in keys]


def v1():
    one = Group(ring=ring_of(("first", "primary")))
    many = Group(ring=ring_of(("second", "primary"), ("first", "decrypt-only"), ("third", "retired")))

    def add(comment, flags, token, msg=b"", where=HERE, result="invalid", nonce=b"", group=one):
        t = {"comment": comment, "flags": flags, "context": where, "msg": msg.hex(), "token": token, "result": result}
        if nonce:
            t["nonce"] = nonce.hex()
        group["tests"].append(t)

    def good(comment, flags, msg=b"123-45-6789", where=HERE, nonce=NONCE):
        add(comment, flags, v1_text(v1_raw(msg, where, nonce)), msg, where, "valid", nonce)

    for n in BOUNDARIES:
        good("value of %d bytes" % n, ["Length"], some("value", n))
    o, i = bytes(12), b"\xff" * 12
    for name, n in {"zeros": o + o, "ones": i + i, "zeros, ones": o + i, "ones, zeros": i + o, "last bit": bytes(23) + b"\x01"}.items():
        good("nonce: " + name, ["SpecialNonce"], nonce=n)
    for name, where in {
        "nothing": ("", "", "", ""), "a tenant alone": ("acme", "", "", ""), "a table alone": ("", "users", "", ""), "a column alone": ("", "", "ssn", ""), "a row alone": ("", "", "", "42"),
        "255 bytes": ("t" * 255, "users", "ssn", "42"), "256 bytes": ("t" * 256, "users", "ssn", "42"), "more than a buffer's 256 bytes in all": ("a" * 70, "b" * 70, "c" * 70, "d" * 70), "4096 bytes": ("", "", "", "k" * 4096),
        "not ASCII": ("Zoë", "表", "naïve", "\U0001f511"), "NULs": ("\x00", "\x00\x00", "a\x00b", "\x00"), "like lengths": ("\x00\x00\x00\x05users", "\x00\x00\x00\x00", "\x00\x00\x00\x03ssn", "\x00\x00\x00\x0242"), "separators": ("a|b", "a.b", "a,b", "a/b"),
    }.items():
        good("context: " + name, ["AdditionalData"], where=where)

    raw = v1_raw()
    text = v1_text(raw)
    for name, where in {
        "another tenant": ("evil", "users", "ssn", "42"), "another table": ("acme", "admins", "ssn", "42"), "another column": ("acme", "users", "tax", "42"), "another row": ("acme", "users", "ssn", "43"), "a row that begins alike": ("acme", "users", "ssn", "421"),
        "no tenant": ("", "users", "ssn", "42"), "no row": ("acme", "users", "ssn", ""), "nothing": ("", "", "", ""), "upper case": ("acme", "USERS", "ssn", "42"), "a space behind": ("acme", "users", "ssn", "42 "), "a NUL behind": ("acme", "users", "ssn", "42\x00"), "a leading zero": ("acme", "users", "ssn", "042"),
        "tenant and table swapped": ("users", "acme", "ssn", "42"), "table and column swapped": ("acme", "ssn", "users", "42"), "column and row swapped": ("acme", "users", "42", "ssn"), "moved on by one": ("42", "acme", "users", "ssn"),
        "a letter moved to the left": ("acmeu", "sers", "ssn", "42"), "a letter moved to the right": ("acm", "eusers", "ssn", "42"), "all in the first": ("acmeusersssn42", "", "", ""), "all in the last": ("", "", "", "acmeusersssn42"),
        "the lengths within a field": ("acme\x00\x00\x00\x05users", "ssn", "42", ""), "decomposed": ("acme", "use\u0308rs", "ssn", "42"),
    }.items():
        add("opened in another place: " + name, ["Context"], text, where=where)
    # What the fields would be without their lengths, or with separators.
    ident = key_id(KEYS["first"])
    for name, aad in {
        "none": b"", "no lengths": LABEL + ident + b"acmeusersssn42", "NULs between": LABEL + ident + b"acme\x00users\x00ssn\x0042", "little-endian lengths": LABEL + ident + b"".join(struct.pack("<I", len(f)) + f.encode() for f in HERE),
        "lengths of two bytes": LABEL + ident + b"".join(struct.pack(">H", len(f)) + f.encode() for f in HERE), "lengths of eight bytes": LABEL + ident + b"".join(struct.pack(">Q", len(f)) + f.encode() for f in HERE), "lengths in front": LABEL + ident + b"".join(struct.pack(">I", len(f)) for f in HERE) + b"acmeusersssn42",
        "fields in another order": LABEL + ident + place(HERE[::-1]), "three fields": LABEL + ident + place(HERE[:3]), "five fields": LABEL + ident + place(HERE + ("",)), "no label": ident + place(HERE), "no key id": LABEL + place(HERE), "key id before the label": ident + LABEL + place(HERE), "key id in hexadecimal": LABEL + ident.hex().encode() + place(HERE),
    }.items():
        add("associated data: " + name, ["AdditionalData"], v1_text(v1_raw(aad=aad)))
    head = raw[:28]
    for comment, s in tags(raw[28:]):
        add(comment, ["ModifiedTag"], v1_text(head + s))
    for n in range(28, len(raw) - 16):
        add("bit %d of byte %d of the ciphertext flipped" % (n % 8, n - 28), ["ModifiedCiphertext"], v1_text(flip(raw, n, n % 8)))
    for n in range(4, 28):
        add("nonce: bit %d of byte %d flipped" % (n % 8, n - 4), ["ModifiedNonce"], v1_text(flip(raw, n, n % 8)))
    add("nonce: zeros", ["ModifiedNonce"], v1_text(raw[:4] + bytes(24) + raw[28:]))
    add("nonce: halves swapped", ["ModifiedNonce"], v1_text(raw[:4] + raw[16:28] + raw[4:16] + raw[28:]))
    for n in range(1, 17):
        add("the last %d bytes are missing" % n, ["Truncated"], v1_text(raw[:-n]))
    for n in (0, 1, 3, 4, 16, 27, 28, 43):
        add("the first %d bytes alone" % n, ["Truncated"], v1_text(raw[:n]))
    empty = v1_raw(b"")
    add("an empty value, its tag cut by a byte", ["Truncated"], v1_text(empty[:-1]))
    add("a byte of the value is missing", ["Truncated"], v1_text(raw[:-17] + raw[-16:]))
    add("a byte behind", ["Appended"], v1_text(raw + b"\x00"))
    add("a byte before", ["Appended"], v1_text(b"\x00" + raw))
    add("a byte before the tag", ["Appended"], v1_text(raw[:-16] + b"\x00" + raw[-16:]))
    add("twice", ["Appended"], v1_text(raw + raw))
    other = v1_raw(nonce=some("v1 nonce 2", 24), msg=b"987-65-4321")
    add("the ciphertext of another token", ["Order"], v1_text(raw[:28] + other[28:-16] + raw[-16:]))
    add("the nonce of another token", ["Order"], v1_text(raw[:4] + other[4:28] + raw[28:]))
    add("the tag of another token", ["Order"], v1_text(raw[:-16] + other[-16:]))
    for bit in range(32):
        add("key id: bit %d flipped" % bit, ["WrongKey"], v1_text(flip(raw, bit // 8, bit % 8)))
    add("key id: zeros", ["WrongKey"], v1_text(bytes(4) + raw[4:]))
    add("key id: backwards", ["WrongKey"], v1_text(raw[:4][::-1] + raw[4:]))
    add("key id: that of a Fernet key of the same material", ["WrongKey"], v1_text(key_id(KEYS["first"], b"fernet") + raw[4:]))
    add("a key that is not in the ring", ["WrongKey"], v1_text(v1_raw(material=KEYS["second"])))
    add("a key that is not in the ring, by the id of one that is", ["WrongKey"], v1_text(v1_raw(material=KEYS["second"], ident=ident)))
    for info in (b"", b"pavise fieldcrypt value", b"pavise fieldcrypt value v2", b"pavise fieldcrypt stream v1", b"pavise fieldcrypt index v1", VALUE + b"\x00"):
        add("derived for %r" % info.decode(), ["WrongVersion"], v1_text(v1_raw(info=info)))
    for label in (b"pavise fieldcrypt v2", b"pavise fieldcrypt v1\x00", b"pavise fieldcrypt v"):
        add("labelled %r" % label.decode(), ["WrongVersion"], v1_text(v1_raw(label=label)))
    data = LABEL + ident + place(HERE)
    derived = expand(KEYS["first"], VALUE)
    add("the key itself, underived", ["WrongDerivation"], v1_text(ident + NONCE + xaes_seal(KEYS["first"], NONCE, b"123-45-6789", data)))
    add("AES-GCM without XAES", ["WrongDerivation"], v1_text(ident + NONCE + AESGCM(derived).encrypt(NONCE[12:], b"123-45-6789", data)))
    add("a nonce of 24 bytes for GCM itself", ["WrongDerivation"], v1_text(ident + NONCE + AESGCM(derived).encrypt(NONCE, b"123-45-6789", data)))
    add("HKDF with a salt", ["WrongDerivation"], v1_text(ident + NONCE + xaes_seal(expand(KEYS["first"], VALUE, b"salt"), NONCE, b"123-45-6789", data)))
    rich = v1_text(v1_raw(nonce=b"\xfb\xff" * 12))
    body = text[4:]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(raw) % 3 == 1 and "-" in rich and "_" in rich
    for name, t in {
        "pv2": "pv2." + body, "pv0": "pv0." + body, "pv10": "pv10." + body, "pv": "pv." + body, "upper case": "PV1." + body, "no dot": "pv1" + body, "a colon": "pv1:" + body, "no prefix": body, "the prefix twice": "pv1." + text, "a full-width digit": "pv１." + body,
        "padded": text + "==", "half padded": text + "=", "standard alphabet": rich.replace("-", "+").replace("_", "/"), "half standard alphabet": rich.replace("-", "+"), "a space before": " " + text, "a space behind": text + " ", "a space after the prefix": "pv1. " + body,
        "a line break behind": text + "\n", "CRLF behind": text + "\r\n", "a line break inside": text[:30] + "\n" + text[30:], "a carriage return inside": text[:30] + "\r" + text[30:], "a NUL behind": text + "\x00", "a NUL before": "\x00" + text, "a byte order mark": "\ufeff" + text, "a zero-width space inside": text[:30] + "\u200b" + text[30:],
        "quotes": '"' + text + '"', "percent-encoded": text.replace(".", "%2E"), "hexadecimal": "pv1." + raw.hex(), "one character more": text + "A", "one character less": text[:-1], "a dot behind": text + ".", "another token behind": text + "," + text,
        "nothing": "", "the prefix alone": "pv1.", "upper-case base64": "pv1." + body.upper(), **{"bits left over: %d" % n: text[:-1] + last[last.index(text[-1]) + n] for n in (1, 2, 8, 15)},
    }.items():
        add("text: " + name, ["Text"], t)

    def in_many(comment, flags, token, msg=b"", nonce=b""):
        add(comment, flags, token, msg, HERE, "valid" if msg else "invalid", nonce, many)

    in_many("sealed by the primary key", ["State"], v1_text(v1_raw(material=KEYS["second"])), b"123-45-6789", NONCE)
    in_many("sealed by a key that still opens", ["State"], text, b"123-45-6789")
    in_many("sealed by a key that is retired", ["State"], v1_text(v1_raw(material=KEYS["third"])))
    in_many("sealed by a key that still opens, by the id of the primary", ["WrongKey"], v1_text(v1_raw(ident=key_id(KEYS["second"]))))
    in_many("sealed by the primary key, by the id of one that still opens", ["WrongKey"], v1_text(v1_raw(material=KEYS["second"], ident=ident)))
    in_many("the primary's token with the id of one that still opens put in", ["WrongKey"], v1_text(ident + v1_raw(material=KEYS["second"])[4:]))
    return suite("pavise fieldcrypt v1", one, many)


# The format of streams

CHUNK = 64 << 10
SALT = some("stream salt", 32)


def pattern(n):
    return bytes(i % 251 for i in range(251)) * (n // 251) + bytes(range(n % 251))


def stream_parts(msg, where=HERE, material=KEYS["first"], salt=SALT, magic=b"pvs1", count=0, lasts=None, chunk=CHUNK):
    head = magic + key_id(material) + salt
    gcm = AESGCM(HKDF(algorithm=hashes.SHA256(), length=32, salt=head, info=b"pavise fieldcrypt stream v1" + place(where)).derive(material))
    pieces = [msg[i : i + chunk] for i in range(0, len(msg), chunk)] or [b""]
    out = [head]
    for i, p in enumerate(pieces):
        last = i == len(pieces) - 1 if lasts is None else lasts[i]
        out.append(gcm.encrypt(bytes(3) + struct.pack(">Q", count + i) + bytes([last]), p, None))
    return out


def stream():
    whole = Group(key=b64(KEYS["first"]), salt=SALT.hex())
    broken = Group(key=b64(KEYS["first"]), salt=SALT.hex())

    # A chunk is too long to be written down: the plaintext has a pattern, and
    # of what it is sealed to there is the hash.
    for n in (0, 1, 16, 255, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK + 7):
        whole["tests"].append({"comment": "%d bytes" % n, "flags": ["Length"], "context": HERE, "msgSize": n, "sealedHash": hashlib.sha256(b"".join(stream_parts(pattern(n)))).hexdigest(), "result": "valid"})

    def add(comment, flags, sealed, where=HERE, result="invalid", msg=b""):
        broken["tests"].append({"comment": comment, "flags": flags, "context": where, "msg": msg.hex(), "sealed": sealed.hex(), "result": result})

    # Of such a stream the pieces, the head and the chunks, put together anew,
    # and what stands behind them.
    def pieces(comment, n, order, behind=b""):
        whole["tests"].append({"comment": comment, "flags": ["Order"], "context": HERE, "msgSize": n, "pieces": order, "behind": behind.hex(), "result": "invalid"})

    n = 2 * CHUNK + 1
    pieces("cut behind the first chunk", n, [0, 1])
    pieces("cut behind the second chunk", n, [0, 1, 2])
    pieces("the head alone", n, [0])
    pieces("no head", n, [1, 2, 3])
    pieces("chunks swapped", n, [0, 2, 1, 3])
    pieces("a chunk twice", n, [0, 1, 1, 2, 3])
    pieces("the last chunk twice", n, [0, 1, 2, 3, 3])
    pieces("a chunk left out", n, [0, 1, 3])
    pieces("the first chunk left out", n, [0, 2, 3])
    pieces("the last chunk alone", n, [0, 3])
    pieces("the stream twice", n, [0, 1, 2, 3, 0, 1, 2, 3])
    # A second form of a stream that ends with a full chunk: that one not the
    # last, and an empty one behind.
    pieces("an empty last chunk behind a full one", CHUNK + 1, [0, 1], stream_parts(b"", count=1)[1])
    pieces("an empty chunk between", n, [0, 1], stream_parts(b"", count=1, lasts=[0])[1] + stream_parts(b"x", count=2)[1])

    short = b"a short stream"
    head, only = stream_parts(short)
    good = head + only
    add("as it was sealed", ["Length"], good, result="valid", msg=short)
    for n in range(len(good)):
        add("bit %d of byte %d flipped" % (n % 8, n), ["WrongKey" if n < 40 else "ModifiedCiphertext" if n < len(good) - 16 else "ModifiedTag"], flip(good, n, n % 8))
    for n in (0, 3, 4, 8, 39, 40, 41, 55, 56, len(good) - 1):
        add("the first %d bytes" % n, ["Truncated"], good[:n])
    add("a byte behind", ["Appended"], good + b"\x00")
    add("the stream twice", ["Appended"], good + good)
    add("the chunk twice", ["Order"], good + only)
    add("not the last chunk", ["Order"], b"".join(stream_parts(short, lasts=[0])))
    add("a last chunk of 2", ["Order"], b"".join(stream_parts(short, lasts=[2])))
    add("counted from 1", ["Order"], b"".join(stream_parts(short, count=1)))
    add("chunks of 7 bytes", ["Order"], b"".join(stream_parts(short, chunk=7)))
    add("an empty chunk behind", ["Order"], b"".join(stream_parts(short, lasts=[0])) + stream_parts(b"", count=1)[1])
    add("another context", ["Context"], good, where=("acme", "users", "ssn", "43"))
    add("another label", ["WrongVersion"], b"".join(stream_parts(short, magic=b"pvs2")))
    add("another key", ["WrongKey"], b"".join(stream_parts(short, material=KEYS["second"])))
    add("the salt of another stream", ["WrongKey"], head[:8] + some("other salt", 32) + only)
    add("a token", ["WrongVersion"], v1_text(v1_raw()).encode())
    return suite("pavise fieldcrypt stream v1", whole, broken)


# The blind index

def index():
    groups = []
    for name, ring in {"one key": (("first", "primary"),), "keys in rotation": (("second", "primary"), ("first", "decrypt-only")), "a retired key": (("second", "primary"), ("third", "retired"))}.items():
        g = Group(comment=name, ring=ring_of(*ring))
        groups.append(g)
        live = [KEYS[k] for k, state in ring if state != "retired"]

        def add(comment, flags, where, value, bits):
            keys = [expand(m, b"pavise fieldcrypt index v1" + place(where)) for m in live]
            g["tests"].append({"comment": comment, "flags": flags, "context": where, "bits": bits, "value": value.hex(), "hashes": [hmac.new(k, value, hashlib.sha256).hexdigest()[: bits // 4] for k in keys], "result": "valid"})

        for bits in (8, 16, 64, 128, 248, 256):
            add("%d bits" % bits, ["Length"], ("acme", "users", "ssn", ""), b"123-45-6789", bits)
        for n in (0, 1, 63, 64, 65, 1024):  # around the block of SHA-256
            add("value of %d bytes" % n, ["Length"], ("acme", "users", "ssn", ""), some("indexed", n), 256)
        for where in (("", "", "", ""), ("", "users", "ssn", ""), ("acmeusers", "", "ssn", ""), ("acme", "usersssn", "", ""), ("acme", "ssn", "users", ""), ("Zoë", "表", "\x00", "")):
            add("context %r" % (where,), ["Context"], where, b"123-45-6789", 256)
    for comment, flags, where, bits in (("a row", ["Context"], HERE, 64), ("less than a byte", ["Length"], ("", "t", "c", ""), 4), ("no whole bytes", ["Length"], ("", "t", "c", ""), 63), ("more than a hash", ["Length"], ("", "t", "c", ""), 264), ("less than nothing", ["Length"], ("", "t", "c", ""), -8)):
        groups[0]["tests"].append({"comment": comment, "flags": flags, "context": where, "bits": bits, "value": "", "hashes": [], "result": "invalid"})
    return suite("pavise fieldcrypt index v1", *groups)


# Hashes of passwords

def argon2_raw(kind, password, salt, m, t, p, length, secret=b""):
    """argon2-cffi's own bindings, since its functions take no secret."""
    from argon2.low_level import ARGON2_VERSION, core, error_to_str, ffi

    keep = [ffi.new("uint8_t[]", max(n, 1)) for n in (length, len(password), len(salt), len(secret))]
    for buf, b in zip(keep[1:], (password, salt, secret)):
        ffi.buffer(buf, len(b))[:] = b
    c = ffi.new("argon2_context *", dict(
        out=keep[0], outlen=length, version=ARGON2_VERSION, pwd=keep[1], pwdlen=len(password), salt=keep[2], saltlen=len(salt), secret=keep[3] if secret else ffi.NULL, secretlen=len(secret),
        ad=ffi.NULL, adlen=0, t_cost=t, m_cost=m, lanes=p, threads=p, allocate_cbk=ffi.NULL, free_cbk=ffi.NULL, flags=0))
    code = core(c, {"d": 0, "i": 1, "id": 2}[kind])
    assert code == 0, error_to_str(code)
    return bytes(ffi.buffer(keep[0], length))


def password_hashes():
    tests = []

    def add(scheme, comment, flags, password, stored, result="valid", **more):
        tests.append({"scheme": scheme, "comment": comment, "flags": flags, "password": password.hex(), "hash": stored, "result": result, **more})

    def argon2(kind, comment, password=b"password", salt=b"somesaltsomesalt", m=64, t=1, p=1, length=32, flags=("Reference",), pepper="", result="valid"):
        tag = argon2_raw(kind, password, salt, m, t, p, length, some("pepper", 40) if pepper else b"")
        keyid = ",keyid=" + std(pepper.encode()) if pepper else ""
        add("argon2" + kind, comment, list(flags), password, "$argon2%s$v=19$m=%d,t=%d,p=%d%s$%s$%s" % (kind, m, t, p, keyid, std(salt), std(tag)), result)

    for kind in ("d", "i", "id"):
        argon2(kind, "small")
        argon2(kind, "several passes", t=4)
        argon2(kind, "several lanes", m=96, t=2, p=3)
        argon2(kind, "the least memory of 4 lanes", m=32, p=4)
        argon2(kind, "memory that the lanes do not divide", m=61, t=2, p=3)
        argon2(kind, "more addresses than a block of them", m=1030, t=2)
        argon2(kind, "an empty password", password=b"")
        argon2(kind, "a NUL within", password=b"pass\x00word", flags=("NUL",))
        argon2(kind, "a NUL at the end", password=b"password\x00", flags=("NUL",))
        argon2(kind, "bytes that are no UTF-8", password=b"\xff\xa3\x80\xc0\xaf", flags=("EightBit",))
        argon2(kind, "500 bytes", password=some("long", 500), flags=("Long",))
        for n in (12, 16, 31, 33, 63, 64):
            argon2(kind, "a tag of %d bytes" % n, length=n)
        argon2(kind, "a salt of 8 bytes", salt=b"\x00" * 8)
        argon2(kind, "a salt of 64 bytes", salt=some("salt", 64))
    argon2("id", "the default's parameters", m=65536, t=3, p=4)
    argon2("id", "OWASP's least", m=7168, t=5, p=1)
    argon2("id", "4096 bytes", password=some("long", 4096), flags=("Long",))
    argon2("id", "4097 bytes, which nobody can have set", password=some("long", 4097), flags=("Long",), result="invalid")
    argon2("id", "a pepper, as Argon2's secret", pepper="k1", flags=("Pepper",))
    argon2("id", "a pepper, and several lanes", m=96, p=3, t=2, pepper="k1", flags=("Pepper",))

    def scrypt(comment, password, salt, n, r, p, length=64, want=None, flags=("Reference",)):
        key = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, dklen=length, maxmem=1 << 30)
        if want:
            assert key.hex() == want, comment
            flags = ("RFC7914",)
        ln = n.bit_length() - 1
        add("scrypt", comment, list(flags), password, "$scrypt$ln=%d,r=%d,p=%d$%s$%s" % (ln, r, p, std(salt), std(key)))
        if salt.isalnum():
            add("werkzeug-scrypt", comment, list(flags), password, "scrypt:%d:%d:%d$%s$%s" % (n, r, p, salt.decode(), key.hex()))
            add("django-scrypt", comment, list(flags), password, "scrypt$%d$%s$%d$%d$%s" % (n, salt.decode(), r, p, base64.b64encode(key).decode()))

    scrypt("section 12, first", b"", b"", 16, 1, 1, want="77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")
    scrypt("section 12, second", b"password", b"NaCl", 1024, 8, 16, want="fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640")
    scrypt("section 12, third", b"pleaseletmein", b"SodiumChloride", 16384, 8, 1, want="7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")
    # The fourth takes 1 GiB, and is refused for it.
    add("scrypt", "section 12, fourth", ["RFC7914", "Costly"], b"pleaseletmein", "$scrypt$ln=20,r=8,p=1$%s$%s" % (std(b"SodiumChloride"), std(bytes.fromhex("2101cb9b6a511aaeaddbbe09cf70f881ec568d574a2ffd4dabe5ee9820adaa478e56fd8f4ba5d09ffa1c6d927c40f4c337304049e8a952fbcbf45c6fa77a41a4"))), "costly")
    scrypt("N = 2", b"p", b"s", 2, 1, 1)
    scrypt("a NUL within", b"pass\x00word", b"sa\x00lt", 16, 8, 1, flags=("NUL",))
    scrypt("8-bit", b"\xff\xa3", b"salt", 16, 8, 2, 32, flags=("EightBit",))
    scrypt("a key of 16 bytes", b"p", b"salt", 16, 8, 1, 16)
    scrypt("a key of 128 bytes", b"p", b"salt", 16, 8, 1, 128)

    def pbkdf2(comment, digest, password, salt, n, want="", flags=("Reference",)):
        key = hashlib.pbkdf2_hmac(digest, password, salt, n)
        if want:
            assert key.hex().startswith(want), comment
        name = "pbkdf2" if digest == "sha1" else "pbkdf2-" + digest
        ab64 = lambda b: std(b).replace("+", ".")
        add("pbkdf2-" + digest, comment, list(flags), password, "$%s$%d$%s$%s" % (name, n, ab64(salt), ab64(key)))
        if salt.isalnum():
            add("werkzeug-pbkdf2-" + digest, comment, list(flags), password, "pbkdf2:%s:%d$%s$%s" % (digest, n, salt.decode(), key.hex()))
            if digest != "sha512":
                add("django-pbkdf2-" + digest, comment, list(flags), password, "pbkdf2_%s$%d$%s$%s" % (digest, n, salt.decode(), base64.b64encode(key).decode()))

    # Of keys shorter or longer than the digest, the digest's length: the
    # blocks of PBKDF2 do not depend on how many there are.
    pbkdf2("1 iteration", "sha1", b"password", b"salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6", ("RFC6070",))
    pbkdf2("2 iterations", "sha1", b"password", b"salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957", ("RFC6070",))
    pbkdf2("4096 iterations", "sha1", b"password", b"salt", 4096, "4b007901b765489abead49d926f721d065a429c1", ("RFC6070",))
    pbkdf2("more than a block", "sha1", b"passwordPASSWORDpassword", b"saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a96", ("RFC6070",))
    pbkdf2("NULs", "sha1", b"pass\x00word", b"sa\x00lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3", ("RFC6070", "NUL"))
    add("pbkdf2-sha1", "16777216 iterations", ["RFC6070", "Costly"], b"password", "$pbkdf2$16777216$%s$%s" % (std(b"salt"), std(bytes.fromhex("eefe3d61cd4da4e4e9945b3d6ba2158c2634e984"))), "costly")
    pbkdf2("section 11, first", "sha256", b"passwd", b"salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc", ("RFC7914",))
    pbkdf2("section 11, second", "sha256", b"Password", b"NaCl", 80000, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56", ("RFC7914",))
    for digest in ("sha1", "sha256", "sha512"):
        block = hashlib.new(digest).block_size
        for n in (0, block - 1, block, block + 1, 500):
            pbkdf2("a password of %d bytes, beside the hash's block" % n, digest, some("password", n), b"salt", 3)
        pbkdf2("8-bit", digest, b"\xff\xa3\x80", some("salt", 16), 3, flags=("EightBit",))
        pbkdf2("no salt", digest, b"password", b"", 3)
    pbkdf2("base64 with a plus", "sha256", b"password", b"\xfb\xef\xbe" * 5 + b"\xfb", 1)

    import bcrypt

    salts = {"$2a$": "CCCCCCCCCCCCCCCCCCCCC.", "$2b$": "XXXXXXXXXXXXXXXXXXXXXO", "$2y$": "abcdefghijklmnopqrstuu"}

    def bcrypted(comment, password, prefix, flags, result="valid", want="", cost=5):
        stored = bcrypt.hashpw(password, (prefix + "%02d$" % cost + salts[prefix]).encode()).decode()
        assert want in stored, comment
        add("bcrypt", comment, flags, password, stored, result)
        return stored

    bcrypted("Openwall's", b"U*U*U", "$2b$", ["Reference"], want="AcXxm9kjPGEMsLznoKqmqw7tc8WCx4a")
    bcrypted("Openwall's", b"U*U*", "$2a$", ["Reference"], want="VGOzA784oUp/Z0DY336zx7pLYAy0lwK")
    for prefix in salts:
        bcrypted("nothing", b"", prefix, ["Reference"])
        bcrypted("the least cost", b"password", prefix, ["Reference"], cost=4)
        for n in (1, 55, 56, 71, 72):
            bcrypted("%d bytes" % n, some("bcrypt", n).replace(b"\x00", b"\x01"), prefix, ["Long"])
        for n in (73, 255, 256, 1000):
            bcrypted("%d bytes, of which bcrypt sees 72" % n, b"a" * n, prefix, ["Long", "Truncates"], "invalid")
        bcrypted("72 bytes that many longer ones begin with", b"a" * 72, prefix, ["Long"])
        bcrypted("8-bit", b"\xa3", prefix, ["EightBit"])
        bcrypted("8-bit, by which the $2x$ flaw shows", b"\xff\xff\xa3", prefix, ["EightBit"])
        bcrypted("8-bit, by which the sign extension shows", b"\xff\xa334\xff\xff\xff\xa3345", prefix, ["EightBit"])
        bcrypted("all bytes", bytes(range(0xB8, 0x100)), prefix, ["EightBit"])
        bcrypted("UTF-8", "Zoë's pässwörd ☃".encode(), prefix, ["EightBit"])
        stored = bcrypted("as far as a NUL", b"secret", prefix, ["NUL"])
        add("bcrypt", "a NUL at the end", ["NUL"], b"secret\x00", stored, "invalid")
        add("bcrypt", "what stands behind a NUL", ["NUL"], b"secret\x00rest", stored, "invalid")
        add("bcrypt", "a NUL alone, for nothing", ["NUL"], b"\x00", bcrypt.hashpw(b"", ("%s05$%s" % (prefix, salts[prefix])).encode()).decode(), "invalid")
        # C repeats a short key with its NUL between, without which "a" would
        # be "aa".
        add("bcrypt", "twice the password", ["Cyclic"], b"secretsecret", stored, "invalid")
        add("bcrypt", "twice the password, a NUL between", ["Cyclic"], b"secret\x00secret", stored, "invalid")
    # $2a$ of OpenBSD before 5.5 counted lengths in a byte; nobody else did.
    add("bcrypt", "255 bytes, for which an overflow takes none", ["Long"], b"a" * 255, bcrypt.hashpw(b"", b"$2a$05$CCCCCCCCCCCCCCCCCCCCC.").decode(), "invalid")
    for password in (b"password", b"a" * 73, b"a" * 1000, b"pass\x00word", b"\xff\xa3"):
        salt = b"$2b$05$abcdefghijklmnopqrstuu"
        comment = "%d bytes" % len(password)
        digest = hashlib.sha256(password).digest()
        add("bcrypt-sha256", comment + ", version 1", ["Prehash"], password, "$bcrypt-sha256$2b,5$%s$%s" % (salt[7:].decode(), bcrypt.hashpw(base64.b64encode(digest), salt)[29:].decode()))
        keyed = hmac.new(salt[7:], password, hashlib.sha256).digest()
        add("bcrypt-sha256", comment + ", version 2", ["Prehash"], password, "$bcrypt-sha256$v=2,t=2b,r=5$%s$%s" % (salt[7:].decode(), bcrypt.hashpw(base64.b64encode(keyed), salt)[29:].decode()))
        add("django-bcrypt-sha256", comment, ["Prehash"], password, "bcrypt_sha256$" + bcrypt.hashpw(digest.hex().encode(), salt).decode())

    from passlib.hash import sha512_crypt

    def crypted(comment, password, salt, rounds, want="", flags=("Reference",)):
        stored = sha512_crypt.using(salt=salt, rounds=rounds).hash(password)
        if want:
            assert stored.endswith("$" + want), comment
            flags = ("Specification",)
        add("sha512-crypt", comment, list(flags), password, stored)
        return stored

    text = b"a very much longer text to encrypt.  This one even stretches over morethan one line."
    crypted("first", b"Hello world!", "saltstring", 5000, "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1")
    crypted("second", b"Hello world!", "saltstringsaltst", 10000, "OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.")
    third = crypted("third", b"This is just a test", "toolongsaltstrin", 5000, "lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0")
    add("sha512-crypt", "third, its rounds written down", ["Specification"], b"This is just a test", third.replace("$6$", "$6$rounds=5000$"))
    crypted("fourth", text, "anotherlongsalts", 1400, "POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1")
    crypted("fifth", b"we have a short salt string but not a short password", "short", 77777, "WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0")
    crypted("sixth", b"a short string", "asaltof16chars..", 123456, "BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1")
    crypted("seventh", b"the minimum number is still observed", "roundstoolow", 1000, "kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.")
    for n in (0, 1, 63, 64, 65, 128):
        crypted("a password of %d bytes, beside the hash's length" % n, b"p" * n, "salt", 1000)
    crypted("no salt", b"password", "", 1000)
    crypted("8-bit", b"\xc3\xa3\xf0\x9f\x94\x91", "salt", 1000, flags=("EightBit",))
    return {"pepper": {"id": "k1", "secret": some("pepper", 40).hex()}, "numberOfTests": len(tests), "tests": tests}


def write(path, what):
    """A test a line, so that what changes can be seen."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    line = lambda t: json.dumps(t, separators=(", ", ": "))
    lines = lambda tests: "[\n" + ",\n".join(line(t) for t in tests) + "\n]"
    if isinstance(what, list):
        text = lines(what)
    else:
        rest = {k: v for k, v in what.items() if k not in ("groups", "tests")}
        text = json.dumps(rest, indent=1)[:-2] + ",\n"
        if "groups" in what:
            text += '"groups": [\n' + ",\n".join(line({k: v for k, v in g.items() if k != "tests"})[:-1] + ', "tests": ' + lines(g["tests"]) + "}" for g in what["groups"]) + "\n]}"
        else:
            text += '"tests": ' + lines(what["tests"]) + "}"
    with open(path, "w", encoding="ascii") as f:
        f.write(text + "\n")


def main(root):
    at = os.path.join(root, "fieldcrypt", "testdata")
    for name, tests in fernet().items():
        write(os.path.join(at, "fernet", name + ".json"), tests)
    for name, made in (("xaes", xaes()), ("v1", v1()), ("stream", stream()), ("index", index())):
        write(os.path.join(at, "vectors", name + ".json"), made)
    write(os.path.join(root, "passwords", "testdata", "hashes.json"), password_hashes())


if __name__ == "__main__":
    main(sys.argv[1])
