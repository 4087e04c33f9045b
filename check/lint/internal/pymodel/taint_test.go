package pymodel

import "testing"

// TestLevels asks how much of a value a client chose, and holds it to what the
// line says.
func TestLevels(t *testing.T) {
	p := project(t, `
-- app/main.py --
import enum
import html
import uuid
from typing import Annotated, Literal

from fastapi import Body, Depends, FastAPI, Header, Request, UploadFile
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel

from app.helpers import clean, echo, number, use

app = FastAPI()
scheme = OAuth2PasswordBearer(tokenUrl="t")
ALLOWED = {"a", "b"}
TABLES = {"a": "one"}


class Color(str, enum.Enum):
    RED = "red"


class Item(BaseModel):
    name: str
    count: int
    color: Color


def db():
    return object()


def filters(q: str, size: int = 10):
    sink(q)  # Tainted
    sink(size)  # Typed
    return q


@app.post("/{a}")
def direct(a: str, b: int, c: uuid.UUID, d: Color, e: Literal["x"], f, item: Item, items: list[int], token: str = Depends(scheme), conn=Depends(db), agent: Annotated[str, Header()] = ""):
    sink(a)  # Tainted
    sink(b)  # Typed
    sink(c)  # Typed
    sink(d)  # Typed
    sink(e)  # Typed
    sink(f)  # Tainted
    sink(agent)  # Tainted
    sink(token)  # Tainted
    sink(conn)  # Clean
    sink(item.name)  # Tainted
    sink(item.count)  # Typed
    sink(item.color)  # Typed
    sink("x")  # Clean
    sink(f"select {a}")  # Tainted
    sink("a" + a)  # Tainted
    sink("%s" % a)  # Tainted
    sink("{}".format(b))  # Typed
    sink(int(a))  # Typed
    sink(html.escape(a))  # Typed
    sink(a.strip().lower())  # Tainted
    sink([a, b])  # Tainted
    sink({"k": a})  # Tainted
    sink(b if a else "x")  # Typed
    sink(len(a))  # Typed


@app.get("/request")
async def requested(request: Request, upload: UploadFile):
    sink(request.query_params["q"])  # Tainted
    sink(request.headers.get("x"))  # Tainted
    sink(await request.json())  # Tainted
    sink(request.state.user)  # Clean
    sink(request.method)  # Clean
    body = await request.body()
    sink(body)  # Tainted
    sink(upload.filename)  # Tainted
    buffer = bytearray()
    while chunk := await upload.read(65536):
        buffer.extend(chunk)
    sink(bytes(buffer))  # Tainted
    kept = io.BytesIO()
    async for piece in request.stream():
        kept.write(piece)
    sink(kept.getvalue())  # Tainted
    other = io.BytesIO()
    other.write(b"x")
    sink(other.getvalue())  # Clean


@app.get("/local")
def local(a: str, n: int):
    b = a
    c = b + "!"
    sink(c)  # Tainted
    parts = [x for x in a.split(",")]
    sink(parts)  # Tainted
    k = n
    sink(k)  # Typed
    fixed = "x"
    sink(fixed)  # Clean


@app.get("/checked")
def checked(a: str, b: str):
    if a not in ALLOWED:
        raise ValueError
    sink(a)  # Typed
    sink(b)  # Tainted


@app.get("/helpers")
def helpers(a: str, n: int, q=Depends(filters)):
    sink(echo(a))  # Tainted
    sink(echo("x"))  # Clean
    sink(number(a))  # Typed
    sink(clean(a))  # Clean
    use(a, n)


def plain(a: str):
    sink(a)  # Clean
-- app/helpers.py --
def echo(x):
    return x


def number(x) -> int:
    return int(x)


def clean(x):
    return "fixed"


def use(text, n, other="x"):
    sink(text)  # Tainted
    sink(n)  # Typed
    sink(other)  # Clean
    return again(text, 3)


def again(text, depth):
    sink(text)  # Tainted
    if depth:
        return again(text + "x", depth - 1)
    return text


def unused(x):
    sink(x)  # Clean
`)
	names := [...]string{Clean: "Clean", Typed: "Typed", Tainted: "Tainted"}
	said(t, p, "sink", func(c *Call, want string) {
		if got := names[p.Level(c.Scope, c.Args[0])]; got != want {
			line, _ := c.Module.File.Position(c.Pos())
			t.Errorf("%s:%d: %s is %s, not %s", c.Module.Path, line, c.Module.File.Text(c.Args[0]), got, want)
		}
	})
}

func TestChecked(t *testing.T) {
	p := project(t, `
-- app/main.py --
import re

from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/{a}/{b}/{c}")
def route(a: str, b: str, c: str, request: Request):
    if a.lower() in ("x", "y") and "z" in c and re.fullmatch("[a-z]+", b):
        probe(a)  # true
        probe(b)  # true
        probe(c)  # false
    probe("x")  # false


@app.get("/{d}/{e}/{f}")
def behind(d: str, e: str, f: str):
    if d in LIST:
        probe(d)  # true
        return d
    probe(d)  # false
    if e not in LIST:
        raise ValueError
    probe(e)  # true
    if f in LIST and d:
        probe(f)  # true
    elif f in OTHERS:
        probe(f)  # true
    probe(f)  # true
`)
	said(t, p, "probe", func(c *Call, want string) {
		if got := p.Checked(c.Scope, c.Args[0]); got != (want == "true") {
			t.Errorf("%s is checked: %v", c.Module.File.Text(c.Args[0]), got)
		}
	})
}
