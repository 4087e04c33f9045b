import hashlib
import hmac

import bcrypt

from fastapi import HTTPException


def either(store, email, password):
    user = store.user_by_email(email)
    if user is None or not verify_password(password, user.password):  # want "lint/user-timing: either hashes nothing"
        raise HTTPException(401)
    return user


def neither(db, name, password):
    account = db.scalar(name)
    if not (account and pwd_context.verify(password, account.password_hash)):  # want "lint/user-timing"
        raise HTTPException(401)
    return account


def both(db, name, password):
    user = db.get(name)
    return user is not None and check_password(password, user.hashed)  # want "lint/user-timing"


async def walrus(db, name, password):
    if not (user := await db.find(name)) or not verify_password(password, user.hashed_password):  # want "lint/user-timing"
        raise HTTPException(401)
    return user


def active(db, name, password):
    user = db.get(name)
    if user and user.is_active and verify_password(password, user.hashed_password):  # want "lint/user-timing"
        return user
    return None


def matches(password, kept):
    salt, _, want = kept.partition(":")
    return hmac.compare_digest(hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**17, r=8, p=1).hex(), want)


def found(db, name, password):
    found = db.scalar(name)
    if not (found and matches(password, found.password_hash)):  # want "lint/user-timing"
        raise HTTPException(401)
    return found


def form(db, form):
    found = db.scalar(form.username)
    return found and matches(form.password, found.password_hash)  # want "lint/user-timing"


def in_dict(name, password):
    if name not in USERS or not bcrypt.checkpw(password.encode(), USERS[name]["hash"]):  # want "lint/user-timing"
        raise HTTPException(401)


def as_bool(name, password):
    user = USERS.get(name)
    return bool(user) and bcrypt.checkpw(password.encode(), user["hash"])  # want "lint/user-timing"


def listed(user_id, password, user):
    return user_id in BANNED and bcrypt.checkpw(password.encode(), user["hash"])  # ok "lint/user-timing"


def early(db, name, password):
    entry = db.get(name)
    if entry is None:  # want "lint/user-timing"
        return None
    return entry if matches(password, entry.password) else None


def always(db, name, password):
    user = db.get(name)
    right = verify_password(password, user.hashed_password if user else DUMMY_HASH)
    if user is None or not right:  # ok "lint/user-timing"
        raise HTTPException(401)
    return user


def first(db, name, password):
    user = db.get(name)
    if not verify_password(password, kept(user)) or user is None:  # ok "lint/user-timing"
        raise HTTPException(401)
    return user


def twice(db, name, password):
    user = db.get(name)
    if not user or not verify_password(password, user.hashed_password):  # ok "lint/user-timing"
        verify_password(password, UNKNOWN)
        raise HTTPException(401)
    return user


def given(user, password):
    return user and verify_password(password, user.hashed_password)  # ok "lint/user-timing"


def other(db, name, password):
    invoice = db.get(name)
    return invoice and verify_password(password, invoice.password_hash)  # ok "lint/user-timing"
