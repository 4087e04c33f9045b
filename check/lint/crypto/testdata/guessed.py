import asyncio
import hashlib
import random
import random as rnd
import secrets
import string
import time
import uuid
from datetime import datetime
from random import choice, randint
from random import SystemRandom

system = random.SystemRandom()
CHARS = string.ascii_letters


def create_session(user):
    session_id = random.getrandbits(128)  # want "lint/weak-random: session_id is made by random.getrandbits"
    user.reset_token = "".join(choice(CHARS) for _ in range(32))  # want "lint/weak-random: reset_token"
    otp = str(randint(100000, 999999))  # want "lint/weak-random: otp"
    data = {"api_key": rnd.randbytes(32).hex(), "size": random.randint(1, 3)}  # want "lint/weak-random: api_key"
    return Session(token="%032x" % random.getrandbits(128), data=data, otp=otp, id=session_id)  # want "lint/weak-random: token"


def generate_password(length=12):
    letters = [random.choice(CHARS) for _ in range(length)]  # want "lint/weak-random: generate_password"
    random.shuffle(letters)  # want "lint/weak-random"
    return "".join(letters)


async def send_verification(email):
    code = random.randint(1000, 9999)  # want "lint/weak-random: code"
    await send(email, code)


def forgot(user):
    value = "".join(random.sample(CHARS, 20))  # want "lint/weak-random: reset_token"
    user.reset_token = value


def login(user):
    number = random.randint(0, 999999)  # want "lint/weak-random"
    text = f"{number:06d}"
    store_otp(user, text)


def random_string(n):
    return "".join(random.choices(CHARS, k=n))


def longer():
    return random_string(40)


def use(user, key):
    token = random_string(32)  # want "lint/weak-random: token is made by random_string, which uses random.choices"
    user.api_key = longer()  # want "lint/weak-random: api_key is made by longer, which uses random.choices"
    color = random_string(6)  # ok "lint/weak-random"
    return token, color


class TokenGenerator:
    def generate(self):
        return random.randbytes(16)  # want "lint/weak-random: TokenGenerator"


def by_machine():
    token = str(uuid.uuid1())  # want "lint/weak-random: token is made by uuid1"
    event_id = uuid.uuid1()  # ok "lint/weak-random"
    return token, event_id


def by_time(user):
    token = hashlib.sha256(f"{user}{time.time()}".encode()).hexdigest()  # want "lint/token-predictable: token is a hash of user and the time"
    return token


def mac(secret):
    token = hashlib.sha256(f"{secret}{datetime.now()}".encode()).hexdigest()  # ok "lint/weak-random"
    return token


def good_token():
    a = secrets.choice(CHARS)  # ok "lint/weak-random"
    b = system.choice(CHARS)  # ok "lint/weak-random"
    c = SystemRandom().choice(CHARS)  # ok "lint/weak-random"
    d = "".join(secrets.choice(CHARS) for _ in range(random.randint(20, 30)))  # ok "lint/weak-random"
    return a + b + c + d + str(uuid.uuid4())


async def refresh_token(client):
    await asyncio.sleep(random.random())  # ok "lint/weak-random"
    delay = random.uniform(0, 1)  # ok "lint/weak-random"
    if random.random() < 0.1:  # ok "lint/weak-random"
        client.cleanup(delay)
    return await client.refresh()


def sample_rows(rows):
    max_tokens = random.randint(1, 10)  # ok "lint/weak-random"
    popover_id = "".join(random.choice(CHARS) for _ in range(8))  # ok "lint/weak-random"
    referral_code = "".join(random.choices(CHARS, k=6))  # ok "lint/weak-random"
    cache_key = random.getrandbits(32)  # ok "lint/weak-random"
    return random.sample(rows, 3), max_tokens, popover_id, referral_code, cache_key


def links(user):
    link = f"https://example.org/reset?token={random.getrandbits(64)}"  # want "lint/weak-random: token"
    page = f"https://example.org/list?page={random.randint(1, 9)}"  # ok "lint/weak-random"
    verification_link = f"/verify/{uuid.uuid1()}"  # want "lint/weak-random"
    return link, page, verification_link, Invitation(code=random.randint(1, 10**8))  # want "lint/weak-random: code"
