import hashlib
import hmac
import secrets
from enum import Enum

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped

from .config import settings

app = FastAPI()
scheme = APIKeyHeader(name="x-api-key")


class Base(DeclarativeBase):
    pass


class Key(Base):
    __tablename__ = "keys"
    token: Mapped[str]


class TokenType(str, Enum):
    access = "access"


def api_key(x_api_key: str = Header()):
    if x_api_key != settings.api_key:  # want "lint/timing-compare: x_api_key is compared"
        raise HTTPException(401)


def by_scheme(key: str = Depends(scheme)):
    if key == settings.admin_token:  # want "lint/timing-compare: admin_token"
        return
    raise HTTPException(401)


def sign(body: bytes) -> str:
    return hmac.new(settings.key, body, hashlib.sha256).hexdigest()


@app.post("/hook", dependencies=[Depends(api_key), Depends(by_scheme)])
async def hook(request: Request, x_signature: str = Header()):
    body = await request.body()
    if sign(body) != x_signature:  # want "lint/timing-compare: x_signature is compared with a code"
        raise HTTPException(401)
    if request.headers.get("x-token") == settings.hook_token:  # want "lint/timing-compare"
        return {}
    if "sha256=" + sign(body) == request.headers["x-hub-signature-256"]:  # want "lint/timing-compare"
        return {}


@app.middleware("http")
async def guard(request: Request, call_next):
    sent = request.headers.get("Authorization")
    if sent != f"Bearer {settings.token}":
        raise HTTPException(401)
    return await call_next(request)


@app.get("/good")
def good(token: str, password: str, token_type: TokenType, kind: str, db):
    if not secrets.compare_digest(token, settings.token):  # ok "lint/timing-compare"
        raise HTTPException(401)
    if token == "":  # ok "lint/timing-compare"
        raise HTTPException(401)
    if len(token) != 32:  # ok "lint/timing-compare"
        raise HTTPException(401)
    if token_type == TokenType.access:  # ok "lint/timing-compare"
        return {}
    if password == settings.password:  # ok "lint/timing-compare"
        return {}
    if hashlib.sha256(token.encode()).hexdigest() == settings.token_hash:  # ok "lint/timing-compare"
        return {}
    return db.scalar(select(Key).where(Key.token == token))  # ok "lint/timing-compare"


def verify(key: bytes, body: bytes, received: str) -> bool:
    mac = hmac.new(key, body, "sha256")
    return mac.hexdigest() == received  # want "lint/timing-compare: received is compared with a code"


def same(old_token: str, token: str):
    return old_token == token  # ok "lint/timing-compare"
