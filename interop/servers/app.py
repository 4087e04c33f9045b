"""A small API to start under each server that pavise up recognises."""

import asyncio
import os

from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/")
async def who(request: Request):
    return {
        "pid": os.getpid(),
        "client": request.client.host if request.client else None,
        "scheme": request.url.scheme,
        "host": request.headers.get("host"),
    }


@app.get("/slow")
async def slow(seconds: float = 1.0):
    await asyncio.sleep(seconds)
    return {"slept": seconds}


@app.get("/die")
async def die():
    os._exit(7)
