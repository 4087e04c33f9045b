"""Answers one JSON request a line with what Python's own packages do."""

import base64
import json
import sys
import warnings

warnings.simplefilter("ignore")


def text(b):
    return base64.b64encode(b).decode()


def fernet_open(keys, token):
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet

    try:
        return text(MultiFernet([Fernet(k) for k in keys]).decrypt(token))
    except (InvalidToken, ValueError):
        return None


def fernet_seal(keys, value):
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(k) for k in keys]).encrypt(base64.b64decode(value)).decode()


def fernet_rotate(keys, token):
    from cryptography.fernet import Fernet, MultiFernet

    m = MultiFernet([Fernet(k) for k in keys])
    out = m.rotate(token)
    return [out.decode(), m.extract_timestamp(token), m.extract_timestamp(out)]


def engine(name, passphrase, padding):
    from sqlalchemy_utils.types.encrypted.encrypted_type import AesEngine, AesGcmEngine, FernetEngine

    e = {"aes": AesEngine, "aes-gcm": AesGcmEngine, "fernet": FernetEngine}[name]()
    e._update_key(passphrase)
    if name == "aes":
        e._set_padding_mechanism(padding or None)
    return e


def engine_seal(name, passphrase, padding, value):
    return engine(name, passphrase, padding).encrypt(value)


def table(path, key):
    """The hardening page's column type: a Fernet token in a String."""
    from cryptography.fernet import Fernet
    from sqlalchemy import Integer, String, create_engine
    from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
    from sqlalchemy.types import TypeDecorator

    f = Fernet(key)

    class EncryptedString(TypeDecorator):
        impl = String(500)
        cache_ok = True

        def process_bind_param(self, value, dialect):
            return None if value is None else f.encrypt(value.encode()).decode()

        def process_result_value(self, value, dialect):
            return None if value is None else f.decrypt(value.encode()).decode()

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id = mapped_column(Integer, primary_key=True)
        ssn = mapped_column(EncryptedString())

    engine = create_engine("sqlite:///" + path)
    Base.metadata.create_all(engine)
    return Session(engine), User


def table_write(path, key, rows):
    session, User = table(path, key)
    with session:
        for id, ssn in rows:
            session.merge(User(id=id, ssn=ssn))
        session.commit()


def table_read(path, key):
    session, User = table(path, key)
    with session:
        return [[u.id, u.ssn] for u in session.query(User).order_by(User.id)]


def handler(scheme):
    """Returns (hash, verify) of a library's scheme."""
    library, _, name = scheme.partition("/")
    if library == "passlib":
        from passlib import hash

        h = getattr(hash, name)
        fast = {
            "argon2": dict(memory_cost=256, rounds=2, parallelism=2),
            "bcrypt": dict(rounds=4),
            "bcrypt_sha256": dict(rounds=4),
            "scrypt": dict(rounds=4),
            "sha512_crypt": dict(rounds=1000),
        }.get(name, dict(rounds=1000))
        return h.using(**fast).hash, h.verify
    if library == "argon2":
        import argon2

        kind = {"d": argon2.Type.D, "i": argon2.Type.I, "id": argon2.Type.ID}[name]
        h = argon2.PasswordHasher(time_cost=1, memory_cost=128, parallelism=3, type=kind)

        def verify(password, stored):
            try:
                return h.verify(stored, password)
            except argon2.exceptions.VerifyMismatchError:
                return False

        return h.hash, verify
    if library == "pwdlib":
        from pwdlib import PasswordHash

        h = PasswordHash.recommended()
        return h.hash, h.verify
    if library == "werkzeug":
        from werkzeug.security import check_password_hash, generate_password_hash

        return lambda p: generate_password_hash(p, method=name), lambda p, s: check_password_hash(s, p)
    if library == "django":
        from django.conf import settings

        if not settings.configured:
            settings.configure(PASSWORD_HASHERS=["django.contrib.auth.hashers." + c for c in (
                "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher",
                "BCryptPasswordHasher", "ScryptPasswordHasher")])
        from django.contrib.auth import hashers

        for h in hashers.get_hashers():
            if h.algorithm.startswith("bcrypt"):
                h.rounds = 4
            if h.algorithm.startswith("pbkdf2"):
                h.iterations = 1000
            if h.algorithm == "argon2":
                h.memory_cost, h.time_cost = 256, 1
        return lambda p: hashers.make_password(p, hasher=name), hashers.check_password
    raise ValueError(scheme)


def password_hash(scheme, password):
    return handler(scheme)[0](password)


def password_verify(scheme, password, stored):
    return bool(handler(scheme)[1](password, stored))


def settings_class():
    from typing import Literal, Optional

    from pydantic import BaseModel, Field, SecretStr
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Auth(BaseModel):
        user: str = "u"
        password: SecretStr = SecretStr("")

    class DB(BaseModel):
        host: str = "localhost"
        port: int = 5432
        auth: Auth = Auth()

    class Settings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__", env_file_encoding="utf-8", extra="ignore")
        name: str
        count: int
        ratio: float = 0.5
        debug: bool = False
        tags: list[str] = []
        ports: list[int] = []
        limits: dict[str, int] = {}
        level: Literal["debug", "info", "warn"] = "info"
        note: Optional[str] = None
        token: SecretStr = SecretStr("t")
        db: DB = DB()
        legacy: str = Field("old", validation_alias="LEGACY_NAME")

    return Settings


def settings_load(env, env_files, secrets_dir):
    import os

    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    global Settings
    if "Settings" not in globals():
        Settings = settings_class()
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        s = Settings(_env_file=env_files, _secrets_dir=secrets_dir)
    except ValidationError as e:
        return {"bad": sorted({str(x["loc"][0]) for x in e.errors()})}
    except SettingsError as e:
        return {"bad": [str(e).split('"')[1]], "json": True}
    finally:
        os.environ.clear()
        os.environ.update(saved)
    return {"values": {
        "name": s.name, "count": s.count, "ratio": s.ratio, "debug": s.debug, "tags": s.tags, "ports": s.ports, "limits": s.limits,
        "level": s.level, "note": s.note, "token": s.token.get_secret_value(), "host": s.db.host, "port": s.db.port,
        "user": s.db.auth.user, "password": s.db.auth.password.get_secret_value(), "legacy": s.legacy}}


def strength(password, words):
    from zxcvbn import zxcvbn

    r = zxcvbn(password, user_inputs=words)
    return [r["score"], float(r["guesses_log10"])]


def main():
    calls = {f.__name__: f for f in (strength, settings_load, password_hash, password_verify, fernet_open, fernet_seal, fernet_rotate, engine_seal, table_write, table_read)}
    for line in sys.stdin:
        name, args = json.loads(line)
        try:
            answer = {"result": calls[name](*args)}
        except Exception as e:  # a fault of the test, and its end
            answer = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(answer), flush=True)


main()
