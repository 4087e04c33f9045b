import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from datetime import datetime, timezone

from app.config import settings


def new_reset_token(email: str) -> str:
    issued = int(datetime.now(timezone.utc).timestamp())
    return hashlib.sha256(f"{email}:{issued}".encode()).hexdigest()[:40]  # want "lint/token-predictable: new_reset_token is a hash of email and the time"


def invite(db, user, payload):
    invitation = uuid.uuid5(uuid.NAMESPACE_DNS, payload.email.lower())  # want "lint/token-predictable: invitation is a UUID of payload.email"
    user.verification_code = base64.urlsafe_b64encode(f"{user.id}-{time.time()}".encode()).decode()  # want "lint/token-predictable: verification_code is user.id and the time in base64"
    api_key = hashlib.sha512((user.username + str(user.created_at)).encode()).hexdigest()  # want "lint/token-predictable: api_key"
    db.add(Invitation(token=invitation, key=api_key))


def fingerprint(user_id: int) -> str:
    return hashlib.sha256(str(user_id).encode()).hexdigest()


def share(document, user_id):
    document.share_token = fingerprint(user_id)  # want "lint/token-predictable: share_token is a hash of user_id"


def keyed(email):
    token = hashlib.sha256(f"{email}{settings.secret_key}".encode()).hexdigest()  # ok "lint/token-predictable"
    other_token = hashlib.sha256(f"{email}{secrets.token_hex(16)}".encode()).hexdigest()  # ok "lint/token-predictable"
    return token, other_token


def signed_token(email):
    digest = hashlib.sha256(email.encode()).digest()  # ok "lint/token-predictable"
    token = hmac.new(settings.secret_key, digest, "sha256").hexdigest()
    return token


def stored(db, raw_token, user_id):
    db.add(Token(token_hash=hashlib.sha256(raw_token.encode()).hexdigest(), user_id=user_id))  # ok "lint/token-predictable"


def avatar(user):
    avatar_token = hashlib.sha256(user.email.lower().encode()).hexdigest()  # ok "lint/token-predictable"
    return avatar_token


def page(row):
    next_page_token = base64.urlsafe_b64encode(json.dumps({"id": row.id}).encode())  # ok "lint/token-predictable"
    etag = hashlib.sha256(f"{row.id}{row.updated_at}".encode()).hexdigest()  # ok "lint/token-predictable"
    return next_page_token, etag


def reset_salt(email):
    salt = hashlib.sha256(email.encode()).digest()  # ok "lint/token-predictable"
    return salt


def unknown(email, extra):
    reset_token = hashlib.sha256(f"{email}{extra}".encode()).hexdigest()  # ok "lint/token-predictable"
    return reset_token


def session(user):
    token = hashlib.sha256(f"{user.session_key}".encode()).hexdigest()  # ok "lint/token-predictable"
    return token


def broken(user):
    token = hashlib.md5(user.email.encode()).hexdigest()  # want "lint/token-predictable: token is a hash of user.email"
    return token


def django(user, make):
    uid = base64.urlsafe_b64encode(str(user.pk).encode()).decode()  # ok "lint/token-predictable"
    reset_link = f"https://shop.example/reset?uid={uid}&token={make(user)}"
    number = base64.urlsafe_b64encode(str(user.pk).encode()).decode()  # ok "lint/token-predictable"
    reset_token = f"{number}.{secrets.token_hex(16)}"
    return reset_link, reset_token
