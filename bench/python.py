"""Does what bench/data.go does, by Python's packages, and takes the time itself.

Each line that is read is the name of a job and how often to do it; each that is
written, the nanoseconds that one took. Starting Python is in none of them.
"""

import hashlib
import os
import sys
import time
from importlib import metadata

import argon2
import bcrypt
from cryptography.fernet import Fernet
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The twin of application in data.go."""

    model_config = SettingsConfigDict(env_prefix="BENCH_", extra="forbid")
    name: str
    debug: bool
    host: str
    port: int
    workers: int
    timeout: float
    ratio: float
    level: str
    origins: list[str]
    region: str
    database: str
    pool: int
    cache: str
    queue: str
    retries: int
    backoff: float
    bucket: str
    sender: str
    trace: bool
    token: str


PASSWORD = b"correct horse battery staple"
SALT = b"0123456789abcdef"


def jobs(dotenv):
    fernet = Fernet(Fernet.generate_key())
    hasher = argon2.PasswordHasher(time_cost=3, memory_cost=64 << 10, parallelism=4, hash_len=32, salt_len=16, type=argon2.Type.ID)
    stored = hasher.hash(PASSWORD)
    crypted = bcrypt.hashpw(PASSWORD, bcrypt.gensalt(12))
    found = {
        "argon2 hash": lambda: hasher.hash(PASSWORD),
        "argon2 verify": lambda: hasher.verify(stored, PASSWORD),
        "bcrypt verify": lambda: bcrypt.checkpw(PASSWORD, crypted),
        "scrypt": lambda: hashlib.scrypt(PASSWORD, salt=SALT, n=1 << 15, r=8, p=1, dklen=64, maxmem=64 << 20),
        "pbkdf2": lambda: hashlib.pbkdf2_hmac("sha256", PASSWORD, SALT, 600_000),
        "settings": lambda: Settings(_env_file=dotenv),
    }
    for size in (32, 1024):
        value = b"v" * size
        token = fernet.encrypt(value)
        found["fernet seal %d" % size] = lambda value=value: fernet.encrypt(value)
        found["fernet open %d" % size] = lambda token=token: fernet.decrypt(token)
    s = Settings(_env_file=dotenv)
    assert s.token == "t-0123456789" and s.origins == ["https://a.example", "https://b.example"] and s.port == 8443, s
    return found


def main():
    found = jobs(sys.argv[1])
    print("; ".join("%s %s" % (p, metadata.version(p)) for p in ("cryptography", "argon2-cffi", "bcrypt", "pydantic-settings")) + "; Python %s" % sys.version.split()[0], flush=True)
    for line in sys.stdin:
        name, times = line.rsplit(maxsplit=1)
        job, n = found[name], int(times)
        start = time.perf_counter()
        for _ in range(n):
            job()
        print((time.perf_counter() - start) / n * 1e9, flush=True)


main()
