import base64
import enum
import hmac
import os
import secrets
from functools import partial

import httpx
from cryptography.fernet import Fernet
from fastapi import Depends, FastAPI, Form, Header
from fastapi.security import OAuth2PasswordBearer
from itsdangerous import URLSafeTimedSerializer
from pydantic import BaseModel, Field, SecretStr
from sqlalchemy import create_engine
from sqlalchemy.orm import mapped_column
from starlette.middleware.sessions import SessionMiddleware

import jwt

app = FastAPI()

SECRET_KEY = "my-super-secret-key"  # want "lint/secret-literal: the value of SECRET_KEY"
JWT_SECRET: str = "your-secret-key"  # want "lint/secret-literal: JWT_SECRET is a placeholder"
ENCRYPTION_KEY = b"0123456789abcdef0123456789abcdef"  # want "lint/secret-literal"
API_KEY = "a1b2c3d4e5f6g7h8"  # want "lint/secret-literal"
DB_PASSWORD = "Pr0duction!"  # want "lint/secret-literal"
DB_USER, DB_PASS = "app", "hunter22"  # want "lint/secret-literal: the value of DB_PASS"
ADMIN_TOKEN = "f81d4fae7dec11d0a76500a0c91e6bf6"  # want "lint/secret-literal"
SIGN = "secret"
GITHUB_TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"  # want "lint/secret-literal"
SLACK = "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"  # want "lint/secret-literal: a token of a service"
VALID_API_KEYS = {"k-29dj38fhq72hd", "k-93jf83jd02kds"}  # want "lint/secret-literal: VALID_API_KEYS holds"
USERS = {"admin": "Adm1nP4ss!", "bob": "b0bsPassword"}  # want "lint/secret-literal: USERS holds"
DATABASE_URL = "postgresql://app:S3cretPw@db.prod.internal:5432/app"  # want "lint/secret-literal: an address with a password"
REDIS = "redis://:9f8a7b6c5d4e@cache.internal:6379/0"  # want "lint/secret-literal: an address"
engine = create_engine("mysql+pymysql://root:toor@mysql/app")  # want "lint/secret-literal: an address"
host = os.environ["DB_HOST"]
other = create_engine(f"postgresql://app:Wh4tever9@{host}/app")  # want "lint/secret-literal: an address"

# What a secret is called, how it is sent, and what it looks like.
PASSWORD = "password"  # ok "lint/secret-literal"
TOKEN_URL = "/auth/token/refresh"  # ok "lint/secret-literal"
TOKEN_PREFIX = "app_pat_v2_"  # ok "lint/secret-literal"
API_KEY_HEADER = "X-Api-Key-V2"  # ok "lint/secret-literal"
API_KEY_NAME = "X-API-Key"  # ok "lint/secret-literal"
SECRET_ENV = "APP_JWT_SECRET_2"  # ok "lint/secret-literal"
JWT_SECRET_NAME = "projects/1/secrets/jwt"  # ok "lint/secret-literal"
CLIENT_SECRET = "client_secret"  # ok "lint/secret-literal"
ACCESS_TOKEN = "access_token"  # ok "lint/secret-literal"
PASSWORD_RESET = "password-reset-v2"  # ok "lint/secret-literal"
PASSWORD_PATTERN = r"^(?=.*\d)(?=.*[a-z]).{8,}$"  # ok "lint/secret-literal"
HASHED_PASSWORD = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"  # ok "lint/secret-literal"
DB_PASSWORD_MASK = "**********"  # ok "lint/secret-literal"
SMTP_PASSWORD = "${SMTP_PASSWORD}"  # ok "lint/secret-literal"
SERVICE_API_KEY = "your-api-key-here"  # ok "lint/secret-literal"
LOCAL_URL = "postgresql://postgres:postgres@localhost:5432/app"  # ok "lint/secret-literal"
MASKED = "postgresql://user:password@host:5432/db"  # ok "lint/secret-literal"
PUBLIC_KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"  # ok "lint/secret-literal"
INVALID_TOKEN = "The token is invalid: 401"  # ok "lint/secret-literal"
token_type = "bearer"  # ok "lint/secret-literal"
CSRF_TOKEN = "csrf-token-v1"  # ok "lint/secret-literal"
oauth2 = OAuth2PasswordBearer(tokenUrl="/auth/login2")  # ok "lint/secret-literal"
os.environ["DEBUG"] = "1"
os.environ["JWT_SECRET"] = "2f9c1e7ab4d85603"  # want "lint/secret-literal"
app.state.api_key = "9c1e7ab4d85603"  # want "lint/secret-literal"
app.config = {}
app.config["SECRET_KEY"] = "flask-like-9"  # want "lint/secret-literal"

app.add_middleware(SessionMiddleware, secret_key="some-random-string")  # want "lint/secret-literal"
client = httpx.Client(auth=("service", "S3rv1cePassword"))  # want "lint/secret-literal: a password"
signer = URLSafeTimedSerializer("signs-all-links")  # want "lint/secret-literal: the key of URLSafeTimedSerializer"
box = Fernet(b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=")  # want "lint/secret-literal: the key of Fernet"
headers = {"Authorization": "Bearer 8f14e45fceea167a5a36dedd4bea2543"}  # want "lint/secret-literal: an Authorization"
more = {"X-Api-Key": "8f14e45fceea167a", "Accept": "application/json"}  # want "lint/secret-literal"
none = {"Authorization": "Bearer {token}", "x-token-type": "access"}  # ok "lint/secret-literal"
login = partial(httpx.post, json={"username": "bot", "password": "b0t-Passw0rd"})  # want "lint/secret-literal: the value of password"
labels = {"password": "Password", "token": "Access token", "api_key": "API key"}  # ok "lint/secret-literal"

if os.getenv("ENV") == "development":
    SESSION_SECRET = "only-while-developing"  # ok "lint/secret-literal"
else:
    SESSION_SECRET = "and-in-production-9"  # want "lint/secret-literal"


class Kind(enum.Enum):
    api_key = "api_key_2024x"  # ok "lint/secret-literal"
    PASSWORD = "p4ssword-kind"  # ok "lint/secret-literal"


class Config:
    SECRET_KEY = "hard to guess string"  # want "lint/secret-literal: SECRET_KEY is a key"
    MAIL_PASSWORD = "m41lpassword"  # want "lint/secret-literal"
    SESSION_COOKIE_NAME = "session-2"


class Login(BaseModel):
    username: str
    password: str = Field(examples=["S3cret-passw0rd"])  # ok "lint/secret-literal"

    model_config = {"json_schema_extra": {"example": {"username": "a", "password": "S3cret-passw0rd"}}}  # ok "lint/secret-literal"


def make(data):
    return jwt.encode(data, Config.SECRET_KEY, algorithm="HS256")


def get_jwt_secret() -> str:
    return "jwt-signing-2024"  # want "lint/secret-literal: the value of jwt_secret"


def check(x_api_key: str = Header(), password: str = Form()):
    if x_api_key != "k3y-for-partners":  # want "lint/secret-literal: x_api_key is compared"
        raise ValueError
    if password == "":  # ok "lint/secret-literal"
        raise ValueError
    if password == "OpenSesame1":  # want "lint/secret-literal"
        raise ValueError
    return secrets.compare_digest(password.encode(), b"swordfish")  # want "lint/secret-literal: a secret is compared"


def names(username: str, grant_type: str, token: str):
    if grant_type == "password" or token == "refresh_token":  # ok "lint/secret-literal"
        return secrets.compare_digest(username, "stanley")  # ok "lint/secret-literal"


def signature(body: bytes) -> str:
    return hmac.new(b"webhook-key", body, "sha256").hexdigest()  # want "lint/secret-literal: the key of new"


def seed():
    create_user("admin", "Adm1n-Passw0rd")  # want "lint/secret-literal: the value of password"


def create_user(name: str, password: str):
    return name, password


class Table:
    api_key = mapped_column("api_key_hash_2")  # ok "lint/secret-literal"


def link(token: str) -> str:
    """postgresql://app:S3cretPw@db.prod.internal:5432/app"""
    return f"https://example.org/reset?token={token}"  # ok "lint/secret-literal"


def kept(folder, secret: str):
    return folder, secret


kept("/data", ".session_secret")  # ok "lint/secret-literal"


ADMIN_PASSWORD = "admin"  # want "lint/secret-literal"
STRIPE = "sk_live_" + "51HxyzAbcDef1234567890ABCD"  # want "lint/secret-literal: a token of a service"
INTERNAL_TOKEN = "internal-token-123"  # want "lint/secret-literal"


@app.get("/internal")
def internal(token: str):
    if token != INTERNAL_TOKEN:
        raise ValueError
