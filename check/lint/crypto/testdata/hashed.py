import base64
import hashlib
import hmac
import os

import bcrypt
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import select

from .security import hash_password as hashed_elsewhere


def hash_password(password, salt=None):
    salt = os.urandom(16) if salt is None else salt
    return salt.hex() + "$" + hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000).hex()


def derived(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**17, r=8, p=1)


def verify_password(password, stored):
    salt, _, _ = stored.partition("$")
    return hash_password(password, bytes.fromhex(salt)) == stored  # want "lint/timing-compare: the hash of a password"


def by_bcrypt(password, user):
    if bcrypt.hashpw(password.encode(), user.password_hash) != user.password_hash:  # want "lint/timing-compare"
        raise ValueError


def local(password, salt, stored):
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 600_000)
    return base64.b64encode(key).decode() == stored  # want "lint/timing-compare"


def helper(password, salt, stored):
    return derived(password, salt) == stored  # want "lint/timing-compare"


def library(password, salt, stored):
    kdf = Scrypt(salt=salt, length=32, n=2**17, r=8, p=1)
    return stored == kdf.derive(password.encode())  # want "lint/timing-compare"


def elsewhere(user, password):
    return user.password == hashed_elsewhere(password)  # want "lint/timing-compare"


def constant(password, salt, stored):
    return hmac.compare_digest(derived(password, salt), stored)  # ok "lint/timing-compare"


def checked(password, stored):
    return bcrypt.checkpw(password.encode(), stored)  # ok "lint/timing-compare"


def confirmed(db, user, new_password):
    password_hash = hash_password(new_password)
    changed = db.users.update_password(user.id, password_hash)
    if changed.password != password_hash:  # ok "lint/timing-compare"
        raise ValueError


def nothing(password):
    return hash_password(password) == ""  # ok "lint/timing-compare"


def query(db, password):
    return db.scalar(select(User).where(User.password == hash_password(password)))  # ok "lint/timing-compare"


def renewed(context, stored):
    return context.needs_password_rehash(stored) == True  # ok "lint/timing-compare"
