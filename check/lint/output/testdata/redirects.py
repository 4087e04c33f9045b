from typing import Annotated
from urllib.parse import quote, urlencode, urljoin, urlparse

from fastapi import APIRouter, Depends, FastAPI, Form, Header, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, HttpUrl

from settings import settings

app = FastAPI()
router = APIRouter()
ALLOWED = {"/home", "/account"}
HOSTS = {"shop.example.com"}


@app.get("/a")
def a(url: str):
    return RedirectResponse(url=url, status_code=302)  # want "lint/open-redirect"


@app.get("/b")
async def b(request: Request):
    target = request.query_params.get("next") or "/"
    return RedirectResponse(target)  # want "lint/open-redirect"


@app.post("/c")
def c(next_url: Annotated[str, Form()], response: Response):
    response.headers["Location"] = next_url  # want "lint/open-redirect"
    response.status_code = 302
    return {}


@app.get("/d")
def d(host: str, path: str):
    return RedirectResponse(f"https://{host}/{path}")  # want "lint/open-redirect"


@app.get("/e")
def e(path: str):
    return RedirectResponse(f"https://shop.example.com{path}")  # want "lint/open-redirect"


@app.get("/f")
def f(path: str):
    return RedirectResponse(urljoin("https://shop.example.com/", path))  # want "lint/open-redirect"


@app.get("/g")
def g(next: str = Query("/")):
    if next.startswith("/"):
        return RedirectResponse(next)  # want "lint/open-redirect"
    return RedirectResponse("/")


class Body(BaseModel):
    callback: HttpUrl


@app.post("/h")
def h(body: Body):
    return RedirectResponse(str(body.callback))  # want "lint/open-redirect"


def where(next: str = "/"):
    return next


@app.get("/i")
def i(to: str = Depends(where)):
    return RedirectResponse(to)  # want "lint/open-redirect"


@app.get("/j", response_class=RedirectResponse)
def j(url: str):
    return url  # want "lint/open-redirect"


@app.get("/k")
def k(url: str):
    raise HTTPException(status_code=307, headers={"Location": url})  # want "lint/open-redirect"


@app.get("/l")
def l(url: str):
    return Response(status_code=302, headers={"location": url})  # want "lint/open-redirect"


@app.get("/ok1")
def ok1(next: str = "/"):
    if next not in ALLOWED:
        next = "/home"
    return RedirectResponse(next)  # ok "lint/open-redirect"


@app.get("/ok2/{item}")
def ok2(item: int, q: str, request: Request):
    return RedirectResponse(f"/items/{item}?q={q}")  # ok "lint/open-redirect"


@app.get("/ok3")
def ok3(next: str):
    parsed = urlparse(next)
    if parsed.netloc and parsed.netloc not in HOSTS:
        raise HTTPException(400)
    return RedirectResponse(next)  # ok "lint/open-redirect"


@app.get("/ok4/{slug}")
def ok4(slug: str):
    return RedirectResponse("/" + slug)  # ok "lint/open-redirect"


@app.get("/ok5")
def ok5(request: Request, state: str):
    query = urlencode({"state": state})
    return RedirectResponse(f"{settings.frontend}/done?{query}")  # ok "lint/open-redirect"


@app.get("/ok6")
def ok6(request: Request):
    return RedirectResponse(request.url.replace(scheme="https"))  # ok "lint/open-redirect"


@app.get("/ok7")
def ok7(request: Request, name: str):
    return RedirectResponse(request.url_for("read", name=name))  # ok "lint/open-redirect"


@app.get("/ok8")
def ok8(next: str):
    if not is_safe_url(next):
        next = "/"
    return RedirectResponse(next)  # ok "lint/open-redirect"


@app.get("/ok9")
def ok9(code: str):
    link = db.query(Link).filter(Link.code == code).first()
    return RedirectResponse(link.target)  # ok "lint/open-redirect"


@app.get("/ok10")
def ok10(name: str):
    return RedirectResponse("https://cdn.example.com/files/" + name)  # ok "lint/open-redirect"


@app.get("/ok11")
def ok11(next: str):
    if not next.startswith("/") or next.startswith("//"):
        next = "/"
    return RedirectResponse(next)  # ok "lint/open-redirect"


@app.get("/ok12")
def ok12(next: str):
    if not next.startswith(settings.frontend):
        raise HTTPException(400)
    return RedirectResponse(next)  # ok "lint/open-redirect"


def safe_target(url: str) -> str:
    if url.startswith("/") and not url.startswith("//"):
        return url
    return "/"


@app.get("/ok13")
def ok13(next: str):
    return RedirectResponse(safe_target(next))  # ok "lint/open-redirect"
