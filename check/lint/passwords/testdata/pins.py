import hashlib
import hmac
from hashlib import sha256

from argon2 import PasswordHasher

PEPPER = load("pepper")


def hash_pin(pin: str) -> str:
    return hashlib.sha256(pin.encode()).hexdigest()  # want "lint/password-weak-hash"


def set_pin(user, body):
    user.pin_hash = sha256(body.pin.encode("utf-8")).hexdigest()  # want "lint/password-weak-hash"


def salted(salt, pin):
    return hashlib.sha256(f"{salt}:{pin}".encode()).hexdigest()  # want "lint/password-weak-hash"


def hash_passcode(value: str) -> str:
    return hashlib.md5(value.encode()).hexdigest()  # want "lint/password-weak-hash"


def answers(payload):
    return hashlib.sha1(payload["security_answer"].lower().strip().encode()).hexdigest()  # want "lint/password-weak-hash"


def recovery(recovery_code: str):
    return hashlib.sha256(recovery_code.encode()).hexdigest()  # want "lint/password-weak-hash"


def each(backup_codes):
    h = hashlib.sha256()
    for backup_code in backup_codes:
        h = hashlib.new("sha256", backup_code.encode())  # want "lint/password-weak-hash"
    return h


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def helped(card, body):
    card.pin_hash = digest(body.pin)  # want "lint/password-weak-hash: pin is hashed by sha256, in digest"


def peppered(pin):
    return hashlib.sha256((PEPPER + pin).encode()).hexdigest()  # ok "lint/password-weak-hash"


def with_key(pin, key):
    return hmac.new(key, pin.encode(), hashlib.sha256).hexdigest()  # ok "lint/password-weak-hash"


def slow_pin(pin):
    return PasswordHasher().hash(pin)  # ok "lint/password-weak-hash"


def certificate_pin(cert, pin):
    return hashlib.sha256(cert).digest() == pin  # ok "lint/password-weak-hash"


def board(pin):
    return hashlib.sha256(pin.image_url.encode()).hexdigest()  # ok "lint/password-weak-hash"


def spinning(spin, pinned):
    return hashlib.sha256(spin.encode() + pinned.encode()).hexdigest()  # ok "lint/password-weak-hash"


def salted_code(salt, backup_code):
    return hashlib.sha256(salt + backup_code).hexdigest()  # ok "lint/password-weak-hash"


def token(recovery_token):
    return hashlib.sha256(recovery_token.encode()).hexdigest()  # ok "lint/password-weak-hash"
