import hashlib

import bcrypt
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from passlib.context import CryptContext  # want "lint/passlib: passlib.context is imported"
from passlib.hash import sha256_crypt  # ok "lint/passlib"
from werkzeug.security import generate_password_hash

ROUNDS = 6


def one(user, password: str):
    user.hash = hashlib.md5(password.encode("utf-8")).hexdigest()  # want "lint/password-weak-hash: a password is hashed by md5"


def hash_password(value):
    h = hashlib.sha1()
    h.update(value)  # want "lint/password-weak-hash"
    return h.hexdigest()


def two(body):
    return hashlib.new("sha512", (body.password + SALT).encode())  # want "lint/password-weak-hash"


three = generate_password_hash("x", method="sha1")  # want "lint/password-weak-hash"
four = CryptContext(schemes=["hex_md5", "bcrypt"])  # want "lint/password-weak-hash: new passwords"
five = CryptContext(schemes=["argon2", "hex_md5"], deprecated="auto")  # ok "lint/password-weak-hash"


def pwned(password):
    return ask_pwned(hashlib.sha1(password.encode()).hexdigest())  # ok "lint/password-weak-hash"


def long(password):
    return bcrypt.hashpw(hashlib.sha256(password.encode()).digest(), bcrypt.gensalt())  # ok "lint/password-weak-hash"


def etag(body):
    return hashlib.sha256(body).hexdigest()  # ok "lint/password-weak-hash"


a = PasswordHasher(memory_cost=8192)  # want "lint/weak-argon2: argon2 has 8192 KiB and 3 passes"
b = CryptContext(schemes=["argon2"], argon2__time_cost=1, argon2__memory_cost=19456)  # want "lint/weak-argon2"
c = PasswordHasher()  # ok "lint/weak-argon2"
d = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)  # ok "lint/weak-argon2"
e = bcrypt.gensalt(ROUNDS)  # want "lint/weak-bcrypt: bcrypt has 6 rounds"
f = CryptContext(schemes=["bcrypt"], bcrypt__rounds=8)  # want "lint/weak-bcrypt"
g = bcrypt.gensalt()  # ok "lint/weak-bcrypt"
h = bcrypt.gensalt(rounds=settings.rounds)  # ok "lint/weak-bcrypt"


def derive(password, salt, key):
    hashlib.pbkdf2_hmac("sha1", password, salt, iterations=10_000)  # want "lint/weak-pbkdf2"
    PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=1000)  # want "lint/weak-pbkdf2"
    PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=1_200_000)  # ok "lint/weak-pbkdf2"
    hashlib.pbkdf2_hmac("sha256", key, salt, 1)  # ok "lint/weak-pbkdf2"


def short(text):
    return hashlib.sha256(text.encode()).hexdigest()


def register(user, password, email):
    user.hash = short(password)  # want "lint/password-weak-hash: a password is hashed by sha256, in short"
    user.key = short(email)  # ok "lint/password-weak-hash"
