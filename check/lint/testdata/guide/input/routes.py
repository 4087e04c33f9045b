"""What the checklist tries to send."""

import pickle
import subprocess

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import text
from sqlalchemy.orm import Session

from .database import get_session

router = APIRouter()


@router.get("/search")
def search(q: str, db: Session = Depends(get_session)):
    return db.execute(text(f"SELECT id FROM items WHERE name = '{q}'")).all()  # want "lint/sql-injection"


@router.get("/hello")
def hello(name: str):
    return HTMLResponse(f"<h1>Hello {name}</h1>")  # want "lint/xss"


@router.get("/go")
def go(next: str):
    return RedirectResponse(next)  # want "lint/open-redirect"


@router.get("/fetch")
async def fetch(url: str):
    async with httpx.AsyncClient(verify=False) as client:  # want "lint/tls-verify-off"
        return (await client.get(url)).text  # want "lint/ssrf"


@router.get("/ping")
def ping(host: str):
    return subprocess.run(f"ping -c 1 {host}", shell=True, capture_output=True).stdout  # want "lint/command-injection"


@router.get("/file")
def read(name: str):
    return open(f"/srv/files/{name}").read()  # want "lint/path-traversal"


@router.post("/load")
async def load(request: Request):
    return pickle.loads(await request.body())  # want "lint/unsafe-deserialization" "lint/upload-unbounded"
