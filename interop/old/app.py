"""An API on old versions of its framework, for attacks that were published
against those. It is an upstream in tests and nothing else."""

import json
import tempfile
import threading

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.responses import PlainTextResponse

app = FastAPI()
rollovers = []

# Notes where a spooled upload is moved to the disk: in the event loop's own
# thread, it stops every other request meanwhile.
_rollover = tempfile.SpooledTemporaryFile.rollover


def rollover(self):
    if not self._rolled:
        rollovers.append(threading.current_thread() is threading.main_thread())
    return _rollover(self)


tempfile.SpooledTemporaryFile.rollover = rollover


class Order(BaseModel):
    item: str


@app.middleware("http")
async def no_store(request: Request, call_next):
    response = await call_next(request)
    if request.url.path.startswith("/api/"):
        response.headers["Cache-Control"] = "no-store"
    return response


@app.get("/api/ok")
async def ok():
    return {"ok": True}


@app.get("/ping")
async def ping():
    return PlainTextResponse("pong")


@app.get("/rollovers")
async def list_rollovers():
    return {"in_loop": sum(rollovers), "all": len(rollovers)}


@app.post("/api/orders")
async def order(order: Order):
    return {"item": order.item}


@app.post("/api/form")
async def form(request: Request):
    data = await request.form()
    return {"fields": len(data), "bytes": sum(len(v) if isinstance(v, str) else 0 for v in data.values())}


@app.post("/api/echo")
async def echo(request: Request):
    body = await request.body()
    return PlainTextResponse(json.dumps({"body": body.decode("latin-1")}))
