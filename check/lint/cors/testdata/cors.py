import os

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

ORIGINS = ["*"]
OPTIONS = dict(allow_origins=["https://a.example.com"])

app = FastAPI(
    middleware=[
        Middleware(CORSMiddleware, allow_origins=ORIGINS, allow_credentials=True),  # want "lint/cors-credentials"
        Middleware(CORSMiddleware, allow_origins=("*",)),  # want "lint/cors-wildcard"
    ]
)
app.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_credentials=True)  # want "lint/cors-credentials: allow_origin_regex"
app.add_middleware(CORSMiddleware, allow_origin_regex="https?://.*")  # want "lint/cors-wildcard"
app.add_middleware(CORSMiddleware, allow_origins=os.environ["ORIGINS"].split(","), allow_credentials=True)  # ok "lint/cors-credentials" "lint/cors-wildcard"
app.add_middleware(CORSMiddleware, **OPTIONS)  # ok "lint/cors-credentials" "lint/cors-wildcard"
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://.*\.example.com")  # want "lint/cors-regex: allow_origin_regex has a dot"
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://example\.com.*")  # want "lint/cors-regex: allow_origin_regex has .*"
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://(.*)example\.org")  # want "lint/cors-regex"
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://.+example\.org")  # want "lint/cors-regex"
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://(.+\.)?example\.org")  # ok "lint/cors-regex"
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https://[\w.-]+\.example\.com")  # ok "lint/cors-regex"
app.add_middleware(CORSMiddleware, allow_origin_regex=r"https?://localhost(:\d+)?")  # ok "lint/cors-regex"


@app.middleware("http")
async def own(request: Request, call_next):
    origin = request.headers.get("origin")
    response = await call_next(request)
    response.headers["access-control-allow-origin"] = origin  # want "lint/cors-reflect"
    return response


@app.get("/x")
def x(request: Request):
    return JSONResponse({}, headers={"Access-Control-Allow-Origin": request.headers["origin"]})  # want "lint/cors-reflect"


@app.get("/y")
def y(request: Request):
    origin = request.headers["origin"]
    if origin not in ["https://a.example.com", "https://b.example.com"]:
        return JSONResponse({}, 403)
    return JSONResponse({}, headers={"Access-Control-Allow-Origin": origin})  # ok "lint/cors-reflect"


@app.get("/z")
def z():
    return JSONResponse({}, headers={"Access-Control-Allow-Origin": "https://a.example.com"})  # ok "lint/cors-reflect"
