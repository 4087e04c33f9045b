import os
from os import environ
from os import environ as env
from secrets import token_urlsafe

from decouple import config
from pydantic import Field, PostgresDsn, SecretStr, model_validator
from pydantic_settings import BaseSettings

JWT_SECRET = os.getenv("JWT_SECRET", "my-jwt-secret")  # want "lint/setting-default-secret: JWT_SECRET"
API_KEY = environ.get("PAYMENT_API_KEY", "pk-4f3a9c81d7e6b502")  # want "lint/setting-default-secret"
SECRET = env.get("APP_SECRET") or "fallback-secret"  # want "lint/setting-default-secret: APP_SECRET"
KEY = config("SECRET_KEY", default="unsafe-key")  # want "lint/setting-default-secret"
SIGNING_KEY = os.environ["SIGNING_KEY"] if "SIGNING_KEY" in os.environ else "letmesign"  # want "lint/setting-default-secret"
ALGORITHM = os.getenv("JWT_ALGORITHM", "HS256")  # ok "lint/setting-default-secret"
TOKEN_URL = os.getenv("TOKEN_URL", "https://auth.example.org/token")  # ok "lint/setting-default-secret"
EMPTY = os.getenv("SECRET_KEY", "")  # ok "lint/setting-default-secret"
NOTHING = os.getenv("SECRET_KEY", None)  # ok "lint/setting-default-secret"
EXPIRE = os.getenv("ACCESS_TOKEN_EXPIRE_MINUTES", "30")  # ok "lint/setting-default-secret"
COOKIE = os.getenv("SESSION_COOKIE_KEY", "session_id")  # ok "lint/setting-default-secret"
PASSWORD_FILE = os.getenv("DB_PASSWORD_FILE", "/run/secrets/db_password")  # ok "lint/setting-default-secret"
RANDOM = os.getenv("SECRET_KEY", token_urlsafe(32))  # ok "lint/setting-default-secret"
os.environ.setdefault("SECRET_KEY", "set-when-missing")  # want "lint/setting-default-secret"
DSN = os.getenv("DATABASE_URL", "postgresql://app:Tr0ub4dor3@db.internal:5432/app")  # want "lint/setting-default-secret: DATABASE_URL"
LOCAL = os.getenv("DATABASE_URL", "postgresql://postgres:postgres@localhost:5432/app")  # ok "lint/setting-default-secret"
COMPOSE = os.getenv("DATABASE_URL", "postgresql://postgres:postgres@db:5432/app")  # ok "lint/setting-default-secret"


class Settings(BaseSettings):
    secret_key: str = "insecure"  # want "lint/setting-plain-secret" "lint/setting-default-secret"
    jwt_secret_key: SecretStr = SecretStr("dev only secret")  # want "lint/setting-default-secret"
    session_secret: SecretStr = Field("changethis", min_length=8)  # want "lint/setting-default-secret"
    encryption_key: SecretStr = Field(default="0123456789abcdef")  # want "lint/setting-default-secret"
    signing_key: str = Field(default_factory=lambda: "made-up-key")  # want "lint/setting-default-secret"
    stripe_api_key: SecretStr = SecretStr("k9F3hs82LmQp04Zx7Tb")  # want "lint/setting-default-secret"
    admin_password: str = "admin123"  # want "lint/setting-default-secret"
    database_url: PostgresDsn = "postgresql+asyncpg://app:s3cr3tPass@prod-db.example.org/app"  # want "lint/setting-default-secret"
    smtp_password: str | None = None  # ok "lint/setting-default-secret"
    resend_api_key: str = ""  # ok "lint/setting-default-secret"
    mail_api_key: str = "DummyKey"  # ok "lint/setting-default-secret"
    token_algorithm: str = "HS256"  # ok "lint/setting-default-secret"
    auth_cookie_key: str = "auth_cookie"  # ok "lint/setting-default-secret"
    token_url: str = "/api/token"  # ok "lint/setting-default-secret"
    postgres_password: str = "app"  # ok "lint/setting-default-secret"


class TestSettings(Settings):
    secret_key: str = "only-in-tests"  # ok "lint/setting-default-secret"


class Typed(BaseSettings):
    jwt_secret: SecretStr  # ok "lint/setting-plain-secret"
    token_lifetime: int = 30  # ok "lint/setting-plain-secret"
    public_key: str  # ok "lint/setting-plain-secret"
    name: str
    password_min_length: int = 12


class Optional(BaseSettings):
    smtp_host: str
    smtp_password: str | None = None  # want "lint/setting-plain-secret"
    api_key: str


def make_token(data: dict, secret_key: str = "c0ffee-c0ffee"):  # want "lint/setting-default-secret: secret_key of make_token"
    return data


def login(url: str, password: str = ""):  # ok "lint/setting-default-secret"
    return url


def field(name: str = "password", token_type: str = "access_token"):  # ok "lint/setting-default-secret"
    return name
