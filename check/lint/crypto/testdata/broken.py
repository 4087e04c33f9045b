import hashlib
import hmac
from hashlib import md5

from Crypto.Hash import MD5
from cryptography.hazmat.primitives import hashes

SECRET_KEY = load()


def new_token(user):
    token = hashlib.md5(user.seal.encode()).hexdigest()  # want "lint/weak-hash: token is made by MD5"
    user.api_key = hashlib.new("sha1", user.seal.encode()).hexdigest()  # want "lint/weak-hash: api_key is made by SHA1"
    return {"session_id": md5(str(user.seal).encode()).hexdigest(), "token": token}  # want "lint/weak-hash: session_id"


def verify(body, header):
    expected = hashlib.sha1(SECRET_KEY + body).hexdigest()  # want "lint/weak-hash: SECRET_KEY is hashed by SHA-1"
    return hmac.compare_digest(expected, header)


def signature_of(body):
    return MD5.new(body).hexdigest()  # want "lint/weak-hash: signature_of is made by MD5"


def short(text):
    return hashlib.md5(text.encode()).hexdigest()


def invite(email):
    invite_token = short(email)  # want "lint/weak-hash: invite_token is made by short, which is MD5"
    cache_key = short(email)  # ok "lint/weak-hash"
    return invite_token, cache_key


def stored(api_key):
    row = hashlib.sha1(api_key.encode()).hexdigest()  # want "lint/weak-hash: api_key is hashed"
    return row


def webhook(body, key, private):
    hmac.new(key, body, hashlib.md5)  # want "lint/weak-hash: a message is signed with HMAC-MD5"
    hmac.new(key, body, "sha1")  # want "lint/weak-hash: a message is signed with HMAC-SHA-1"
    hmac.new(key, body, digestmod=hashlib.sha256)  # ok "lint/weak-hash"
    private.sign(body, hashes.SHA1())  # want "lint/weak-hash: a signature is over SHA1"
    private.sign(body, hashes.SHA256())  # ok "lint/weak-hash"


def totp(key, counter):
    return hmac.new(key, counter, hashlib.sha1).digest()  # ok "lint/weak-hash"


def plain(data, token, password, email):
    etag = hashlib.md5(data).hexdigest()  # ok "lint/weak-hash"
    cache_key = hashlib.sha1(token.encode()).hexdigest()  # ok "lint/weak-hash"
    name = hashlib.md5(data).hexdigest()  # ok "lint/weak-hash"
    gravatar = f"https://gravatar.com/{md5(email).hexdigest()}"  # ok "lint/weak-hash"
    token_id = hashlib.md5(data, usedforsecurity=False)  # ok "lint/weak-hash"
    token_hash = hashlib.sha256(token).hexdigest()  # ok "lint/weak-hash"
    digest = hashlib.md5(password.encode()).hexdigest()  # ok "lint/weak-hash"
    return etag, cache_key, name, gravatar, token_id, token_hash, digest


def pwned(secret):
    return hashlib.sha1(secret).hexdigest()  # ok "lint/weak-hash"
