import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request

from .settings import settings

app = FastAPI()


def mac(body: bytes) -> str:
    return hmac.new(settings.key, body, hashlib.sha256).hexdigest()


async def beside(request: Request, x_shop_signature: Annotated[str | None, Header()] = None):
    expected = mac(await request.body())
    if x_shop_signature and not hmac.compare_digest(x_shop_signature.encode(), expected.encode()):  # want "lint/signature-optional"
        raise HTTPException(401)


async def nested(request: Request):
    sig = request.headers.get("X-Hub-Signature-256")
    if sig is not None:  # want "lint/signature-optional"
        if not hmac.compare_digest(sig, mac(await request.body())):
            raise HTTPException(403)


async def waved(request: Request):
    signature = request.headers.get("x-signature", "")
    if not signature:  # want "lint/signature-optional"
        return
    if signature != mac(await request.body()):
        raise HTTPException(401)


def check(body: bytes, signature: str | None) -> bool:
    if signature is None:  # want "lint/signature-optional"
        return True
    if not hmac.compare_digest(signature, mac(body)):
        raise HTTPException(401)
    return True


async def strict(request: Request, x_shop_signature: str | None = Header(None)):
    if x_shop_signature is None or not hmac.compare_digest(x_shop_signature, mac(await request.body())):  # ok "lint/signature-optional"
        raise HTTPException(401)


async def twice(request: Request):
    sig = request.headers.get("X-Hub-Signature-256")
    if not sig:
        raise HTTPException(401)
    if sig and not hmac.compare_digest(sig, mac(await request.body())):  # ok "lint/signature-optional"
        raise HTTPException(401)


async def otherwise(request: Request):
    sig = request.headers.get("X-Signature")
    if sig:  # ok "lint/signature-optional"
        if not hmac.compare_digest(sig, mac(await request.body())):
            raise HTTPException(401)
    else:
        raise HTTPException(401)


def told(body: bytes, signature: str | None) -> bool:
    if not signature:  # ok "lint/signature-optional"
        return False
    return hmac.compare_digest(signature, mac(body))


def read(body: bytes, signature: str | None):
    if not signature:  # ok "lint/signature-optional"
        return None
    if not hmac.compare_digest(signature, mac(body)):
        raise HTTPException(401)
    return parse(body)


def same(function, signature=None):
    if signature and signature != of(function):  # ok "lint/signature-optional"
        raise TypeError(function)


@app.post("/hooks/a", dependencies=[Depends(beside), Depends(nested), Depends(waved)])
async def a(request: Request):
    return book(await request.json())


@app.post("/hooks/b", dependencies=[Depends(strict), Depends(twice), Depends(otherwise)])
async def b(request: Request):
    return book(await request.json())


@app.post("/hooks/c")
async def c(request: Request):
    sig = request.headers.get("X-Signature")
    if not sig:  # ok "lint/signature-optional"
        return {"ignored": True}
    if sig != mac(await request.body()):  # ok "lint/signature-optional"
        raise HTTPException(401)
    return book(await request.json())
