"""Security headers by middleware, as the page has them."""

from fastapi import FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware

from app.settings import settings

app = FastAPI(  # want "lint/docs-exposed" "lint/no-https" "lint/no-host-check" "lint/no-body-limit"
    title="orders",
    docs_url="/docs" if settings.debug else None,
    redoc_url=None,
)


class Headers(BaseHTTPMiddleware):  # want "lint/base-http-middleware"
    async def dispatch(self, request: Request, call_next):
        response = await call_next(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["X-XSS-Protection"] = "1; mode=block"  # want "lint/xss-protection"
        response.headers["Strict-Transport-Security"] = "max-age=3600"  # want "lint/hsts-short"
        if request.url.path.startswith("/api/"):
            response.headers["Cache-Control"] = "no-store"
        response.headers.pop("server", None)  # want "lint/headers-pop"
        return response


app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)  # want "lint/cors-credentials"
app.add_middleware(Headers)
