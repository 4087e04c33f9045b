import ipaddress
import socket
import urllib.request
from typing import Annotated
from urllib.parse import quote, urljoin, urlparse
from urllib.request import urlopen

import aiohttp
import httpx
import requests
from fastapi import APIRouter, BackgroundTasks, Body, Depends, Form, HTTPException, Query, Request
from pydantic import AnyHttpUrl, BaseModel, HttpUrl

from .settings import settings

router = APIRouter()
HOSTS = {"example.com", "example.org"}
API = "https://api.example.com"
SERVICES = {"a": "http://a.internal", "b": "http://b.internal"}


class Hook(BaseModel):
    url: HttpUrl
    name: str


class Image(BaseModel):
    image_url: str


class Proxy:
    def __init__(self, base):
        self.base = base
        self.client = httpx.AsyncClient(base_url=base)

    async def load(self, url):
        return await self.client.get(url)  # want "lint/ssrf: url chooses"

    async def fixed(self, path):
        return await self.client.get(f"{self.base}/{path}")  # ok "lint/ssrf"


def get_client(request: Request):
    return request.app.state.http


@router.get("/a")
def a(url: str):
    return requests.get(url, timeout=5).text  # want "lint/ssrf: url chooses"


@router.post("/b")
async def b(hook: Hook):
    async with httpx.AsyncClient() as client:
        await client.post(str(hook.url), json={})  # want "lint/ssrf: hook.url"
        return await client.request("POST", hook.url)  # want "lint/ssrf"


@router.get("/c")
async def c(target: Annotated[AnyHttpUrl, Query()]):
    async with aiohttp.ClientSession() as session:
        async with session.get(str(target)) as r:  # want "lint/ssrf"
            return await r.text()


@router.get("/d")
def d(host: str, port: int):
    url = f"http://{host}:{port}/status"
    requests.get(url, timeout=1)  # want "lint/ssrf: host"
    requests.get(f"https://{host}.example.com/", timeout=1)  # want "lint/ssrf"
    requests.get(f"{settings.scheme}://{host}/", timeout=1)  # want "lint/ssrf"
    return requests.get("http://" + host + "/", timeout=1)  # want "lint/ssrf"


@router.get("/e")
def e(url: str = Query(...)):
    return urlopen(url).read()  # want "lint/ssrf"


@router.get("/f")
def f(url: str):
    request = urllib.request.Request(url, headers={})  # want "lint/ssrf"
    return urllib.request.urlopen(request)  # want "lint/ssrf"


@router.post("/g")
async def g(request: Request):
    data = await request.json()
    return requests.post(data["callback"], timeout=3)  # want "lint/ssrf"


@router.get("/h")
def h(path: str):
    return requests.get(urljoin(API, path), timeout=3)  # want "lint/ssrf"


@router.post("/i")
def i(body: Image, tasks: BackgroundTasks):
    tasks.add_task(notify, body.image_url)


def notify(address):
    httpx.post(address)  # want "lint/ssrf: body.image_url"


@router.get("/j")
async def j(url: str, client: httpx.AsyncClient = Depends(get_client)):
    return (await client.get(url, follow_redirects=True)).text  # want "lint/ssrf"


@router.get("/k")
async def k(url: str, http=Depends(get_client)):
    await http.get("https://example.com")
    return await http.get(url)  # want "lint/ssrf"


@router.get("/l")
async def l(host: str = Form()):
    sock = socket.socket()
    sock.connect((host, 80))  # want "lint/ssrf"
    return socket.create_connection((host, 80))  # want "lint/ssrf"


@router.get("/m")
async def m(url: str):
    return await Proxy("https://example.com").load(url)


@router.get("/n")
async def n(url: str):
    if not url.startswith("http"):
        raise HTTPException(400)
    return requests.get(url, timeout=3)  # want "lint/ssrf"


@router.get("/o")
async def o(base: str):
    async with httpx.AsyncClient(base_url=base) as client:  # want "lint/ssrf"
        return await client.get("/status")


@router.get("/p")
async def p(url: str):
    if "evil" in url:
        raise HTTPException(400)
    response = requests.get("%s/status" % url, timeout=3)  # want "lint/ssrf"
    return requests.get("{}/status".format(url), timeout=3), response  # want "lint/ssrf"


@router.get("/fixed/{name}")
async def fixed(name: str, q: str, tag: int, url: str):
    requests.get(f"https://api.example.com/users/{name}", timeout=3)  # ok "lint/ssrf"
    requests.get(API + "/users/" + name, timeout=3)  # ok "lint/ssrf"
    requests.get(f"{API}/search?q={quote(q)}", timeout=3)  # ok "lint/ssrf"
    requests.get(f"{settings.base}/{name}", params={"q": q}, timeout=3)  # ok "lint/ssrf"
    requests.get(API, params={"url": url}, timeout=3)  # ok "lint/ssrf"
    requests.post("https://example.com/x", json={"url": url}, timeout=3)  # ok "lint/ssrf"
    requests.get("https://example.com/%s/%d" % (name, tag), timeout=3)  # ok "lint/ssrf"
    requests.get("https://example.com/{}".format(name), timeout=3)  # ok "lint/ssrf"
    requests.get(SERVICES[name], timeout=3)  # ok "lint/ssrf"
    u = f"{API}/x"
    u += f"/{name}"
    requests.get(u, timeout=3)  # ok "lint/ssrf"
    await Proxy(API).fixed(name)
    return requests.get("/".join([API, name]), timeout=3)  # ok "lint/ssrf"


@router.get("/host")
async def listed(url: str):
    if urlparse(url).hostname not in HOSTS:
        raise HTTPException(400)
    return requests.get(url, timeout=3)  # ok "lint/ssrf"


@router.get("/parsed")
async def parsed(url: HttpUrl):
    if url.host not in HOSTS:
        raise HTTPException(400)
    return requests.get(str(url), timeout=3)  # ok "lint/ssrf"


@router.get("/private")
async def private(url: str):
    host = urlparse(url).hostname
    if ipaddress.ip_address(socket.gethostbyname(host)).is_private:
        raise HTTPException(400)
    return requests.get(url, timeout=3)  # ok "lint/ssrf"


def validate_url(url):
    if urlparse(url).netloc not in HOSTS:
        raise HTTPException(400)


@router.get("/validated")
async def validated(url: str):
    validate_url(url)
    return requests.get(url, timeout=3)  # ok "lint/ssrf"


@router.get("/prefix")
async def prefix(url: str, cache=Depends(get_client)):
    cache.get(url)  # ok "lint/ssrf"
    if not url.startswith("https://example.com/"):
        raise HTTPException(400)
    return requests.get(url, timeout=3)  # ok "lint/ssrf"


@router.get("/member")
async def member(url: str = Body()):
    if url not in HOSTS:
        raise HTTPException(400)
    return requests.get(url, timeout=3)  # ok "lint/ssrf"


class SafeTransport(httpx.AsyncHTTPTransport):
    pass


@router.get("/transport")
async def transport(url: str):
    async with httpx.AsyncClient(transport=SafeTransport()) as client:
        return await client.get(url)  # ok "lint/ssrf"


async def head(client, url):
    return await client.head(url)  # ok "lint/ssrf"


@router.get("/heads")
async def heads(url: str):
    async with httpx.AsyncClient(transport=SafeTransport()) as client:
        return await head(client, url)


@router.get("/session")
async def session(url: str):
    s = requests.session()
    await run_in_threadpool(requests.get, url)  # want "lint/ssrf"
    return s.get(url, timeout=3)  # want "lint/ssrf"


@router.post("/shot")
async def shot(hook: Hook):
    page = await browser.new_page()
    await page.goto(str(hook.url))  # want "lint/ssrf"
