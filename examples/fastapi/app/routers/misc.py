"""What a test of the way to the app asks for."""

import asyncio

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

router = APIRouter(tags=["misc"])


@router.get("/")
@router.head("/", include_in_schema=False)
def index() -> dict:
    return {"service": "orders", "docs": "/docs"}


@router.get("/health")
@router.head("/health", include_in_schema=False)
def health() -> dict:
    return {"status": "ok"}


@router.get("/headers")
def headers(request: Request) -> dict:
    """The request as the app sees it, header fields in their order."""
    return {
        "method": request.method,
        "path": request.url.path,
        "query": request.url.query,
        "scheme": request.url.scheme,
        "client": request.client.host if request.client else None,
        "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in request.headers.raw],
    }


@router.get("/large")
@router.head("/large", include_in_schema=False)
def large(items: int = Query(10_000, ge=0, le=1_000_000)) -> JSONResponse:
    return JSONResponse([{"id": i, "name": f"Item {i}", "tags": ["a", "b"], "price": i / 4} for i in range(items)])


@router.get("/slow")
async def slow(seconds: float = Query(1, ge=0, le=3600)) -> dict:
    await asyncio.sleep(seconds)
    return {"slept": seconds}


@router.get("/status/{code}")
def status(code: int) -> Response:
    """Answer with a status, without a body where none is allowed."""
    if not 200 <= code <= 599:
        return JSONResponse({"detail": "Want 200 to 599"}, 422)
    if code in (204, 205, 304):
        return Response(status_code=code)
    return JSONResponse({"status": code}, code)


@router.get("/redirect")
def redirect(to: str = "/") -> Response:
    """Redirect to wherever the query says."""
    return Response(status_code=302, headers={"Location": to})


@router.get("/crash")
def crash() -> None:
    raise RuntimeError("this is a bug: " + "database password is hunter2")
