import time
from collections import defaultdict

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from slowapi import Limiter
from slowapi.util import get_remote_address

app = FastAPI()
attempts = defaultdict(list)
TRUSTED_PROXIES = {"10.0.0.1"}


def client_ip(request: Request) -> str:
    forwarded = request.headers.get("x-forwarded-for")  # want "lint/client-ip: hits counts by"
    if forwarded:
        return forwarded.split(",")[0].strip()
    return request.client.host if request.client else "unknown"


class RateLimit:
    def __init__(self, times: int):
        self.times = times
        self.hits = defaultdict(list)

    def __call__(self, request: Request) -> None:
        key = client_ip(request)
        if len(self.hits[key]) > self.times:
            raise HTTPException(429)
        self.hits[key].append(time.time())


def first(request: Request) -> str:
    return (request.headers.get("X-Forwarded-For") or request.client.host).split(",")[0]  # want "lint/client-ip: Limiter counts by"


limiter = Limiter(key_func=first)
other = Limiter(key_func=get_remote_address)  # ok "lint/client-ip"
by_lambda = Limiter(key_func=lambda request: request.headers.get("X-Real-IP", ""))  # want "lint/client-ip: Limiter counts"


@app.post("/login")
def login(request: Request):
    ip = request.headers.get("X-Forwarded-For", request.client.host).split(",")[0]  # want "lint/client-ip: attempts counts"
    recent = [t for t in attempts[ip] if t > time.time() - 60]
    if len(recent) > 5:
        raise HTTPException(429)
    attempts[ip].append(time.time())


async def throttle(request: Request, x_forwarded_for: str = Header("")):
    n = await redis.incr(f"rl:{x_forwarded_for}")  # want "lint/client-ip: incr counts"
    if n > 10:
        raise HTTPException(429)


async def behind(request: Request):
    ip = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
    n = await redis.incr(f"rl:{ip}")  # ok "lint/client-ip"
    return n


def known_proxy(request: Request):
    if request.client.host in TRUSTED_PROXIES:
        return request.headers["X-Forwarded-For"].split(",")[0]  # ok "lint/client-ip"
    return request.client.host


known = Limiter(key_func=known_proxy)


async def connection(request: Request):
    return await redis.incr(f"rl:{request.client.host}")  # ok "lint/client-ip"


def logged(request: Request):
    ip = request.headers.get("X-Forwarded-For", "").split(",")[0]  # ok "lint/client-ip"
    logger.info("rate limit for %s", ip)
