"""The API of the comparison: bare, or hardened in-process by the usual page
of middleware, with its crash repaired. PAVISE_BENCH=guide chooses the latter.

This is a peer that is measured, and no part of the product.
"""

import os

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

guide = os.environ.get("PAVISE_BENCH") == "guide"
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None) if guide else FastAPI()


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)
    item: str = Field(max_length=10_000)
    count: int


@app.get("/api/orders/1")
async def order():
    return {"id": 1, "item": "lamp", "count": 2, "paid": True}


@app.post("/api/orders")
async def create(order: Order):
    return {"id": 2, "item": order.item, "count": order.count}


class SecurityHeaders(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next):
        response = await call_next(request)
        h = response.headers
        h["X-Content-Type-Options"] = "nosniff"
        h["X-Frame-Options"] = "DENY"
        h["X-XSS-Protection"] = "0"
        h["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains; preload"
        h["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        h["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        h["Referrer-Policy"] = "strict-origin-when-cross-origin"
        if request.url.path.startswith("/api/"):
            h["Cache-Control"] = "no-store"
        if "server" in h:  # the page says h.pop("server"), which does not exist
            del h["server"]
        return response


class ContentType(BaseHTTPMiddleware):
    allowed = {"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}

    async def dispatch(self, request: Request, call_next):
        if request.method in ("POST", "PUT", "PATCH"):
            base = request.headers.get("content-type", "").split(";")[0].strip().lower()
            if base and base not in self.allowed:
                return JSONResponse({"error": "UNSUPPORTED_MEDIA_TYPE"}, status_code=415)
        return await call_next(request)


class BodyLimit(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next):
        length = request.headers.get("content-length")
        if length and int(length) > 10 * 1024 * 1024:
            return JSONResponse({"error": "PAYLOAD_TOO_LARGE"}, status_code=413)
        return await call_next(request)


if guide:
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    app.add_middleware(BodyLimit)
    app.add_middleware(ContentType)
    app.add_middleware(SecurityHeaders)
