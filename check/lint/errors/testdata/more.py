import os
import subprocess
import sys

import pkg_resources
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.middleware.base import BaseHTTPMiddleware

app = FastAPI()


def fail(error):
    logger.error(error)
    raise HTTPException(500, detail=str(error))  # want "lint/error-detail"


def quiet(error):
    logger.error(error)
    raise HTTPException(500, detail="failed")


def internal(error):
    return HTTPException(status_code=500, detail=f"internal: {error}")


@app.get("/a")
def a():
    try:
        load()
    except Exception as e:
        fail(e)


@app.get("/b")
def b():
    try:
        load()
    except Exception as e:
        raise internal(e)  # want "lint/error-detail"


@app.get("/c")
def c():
    try:
        load()
    except Exception as e:
        quiet(e)  # ok "lint/error-detail"


class Errors(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        try:
            return await call_next(request)
        except Exception as exc:
            return JSONResponse({"detail": str(exc)}, status_code=500)  # want "lint/error-detail"


@app.post("/webhook")
async def webhook(request: Request):
    try:
        verify_signature(await request.body(), request.headers["X-Signature"])
    except Exception:  # want "lint/exception-swallowed: webhook goes on when verify_signature raises"
        pass
    process(await request.body())


def is_admin(user):
    allowed = False
    try:
        allowed = lookup(user)
    except Exception:  # want "lint/exception-swallowed: is_admin sets allowed"
        allowed = True
    return allowed


def authenticated(request):
    for scheme in SCHEMES:
        try:
            verify_token(request, scheme)
            return True
        except Exception:  # ok "lint/exception-swallowed"
            continue
    return False


@app.get("/env")
def env():
    return PlainTextResponse("\n".join(f"{k}={v}" for k, v in sorted(os.environ.items())))  # want "lint/env-exposed"


@app.get("/names")
def names():
    return [k for k in os.environ if k.startswith("APP_")]  # ok "lint/env-exposed"


@app.get("/state")
def state(request: Request):
    return request.app.state.settings  # want "lint/env-exposed"


@app.get("/packages")
def packages():
    return {p.key: p.version for p in pkg_resources.working_set}  # want "lint/debug-route-info: packages tells strangers which packages"


@app.get("/freeze")
def freeze():
    out = subprocess.check_output([sys.executable, "-m", "pip", "freeze"]).decode().splitlines()  # want "lint/debug-route-info"
    return {"packages": out}
