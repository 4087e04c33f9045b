"""Content types by middleware, and models that take anything."""

from fastapi import FastAPI, Request, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # want "lint/no-https" "lint/no-host-check" "lint/no-security-headers" "lint/no-body-limit"

ALLOWED = {"application/json", "multipart/form-data"}


@app.middleware("http")  # want "lint/base-http-middleware"
async def content_type(request: Request, call_next):
    if request.method in ("POST", "PUT", "PATCH"):
        kind = request.headers.get("content-type", "").split(";")[0]
        if kind and kind not in ALLOWED:
            return JSONResponse({"detail": "unsupported"}, status_code=415)
    return await call_next(request)


class Order(BaseModel):  # want "lint/model-extra"
    item: str  # want "lint/str-unbounded"
    note: str


@app.post("/orders")
async def create(order: Order):
    return {"item": order.item}


@app.post("/pictures")
async def picture(file: UploadFile):
    data = await file.read()  # want "lint/upload-unbounded"
    return {"size": len(data)}
