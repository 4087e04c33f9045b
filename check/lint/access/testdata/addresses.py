import ipaddress
import secrets

from fastapi import Depends, FastAPI, Header, HTTPException, Request

app = FastAPI()

ALLOWED_IPS = {"10.0.0.5", "10.0.0.6"}
TRUSTED_PROXIES = ["10.0.0.1"]


@app.get("/a")
def a(request: Request):
    if request.client.host != "127.0.0.1":  # want "lint/client-ip: a lets in whoever comes from this host"
        raise HTTPException(403)
    return collect()


@app.get("/b")
def b(request: Request):
    ip = request.headers.get("x-forwarded-for", request.client.host).split(",")[0].strip()
    if ip not in ALLOWED_IPS:  # want "lint/client-ip: b decides by a header"
        raise HTTPException(403)
    return collect()


def caller_ip(request: Request):
    return request.headers.get("X-Real-IP") or request.client.host


async def only_internal(request: Request):
    if not caller_ip(request).startswith("10."):  # want "lint/client-ip"
        raise HTTPException(403)


@app.get("/c", dependencies=[Depends(only_internal)])
def c():
    return collect()


@app.get("/d")
def d(x_forwarded_for: str = Header(None)):
    if x_forwarded_for in ("127.0.0.1", "localhost"):  # want "lint/client-ip"
        return everything()
    return collect()


@app.get("/e")
def e(request: Request):
    ip = ipaddress.ip_address(request.headers["X-Forwarded-For"])
    if ip.is_private:  # want "lint/client-ip"
        return everything()
    return collect()


@app.get("/f")
def f(request: Request):
    if request.client.host in ALLOWED_IPS:  # want "lint/client-ip: f decides by the address"
        return everything()


@app.get("/g")
def g(request: Request):
    if request.client.host in BLOCKED_IPS:  # ok "lint/client-ip"
        raise HTTPException(403)


def client_ip(request: Request):
    if request.client.host in TRUSTED_PROXIES:  # ok "lint/client-ip"
        return request.headers["x-forwarded-for"].split(",")[-1].strip()
    return request.client.host


@app.get("/h")
def h(request: Request):
    host = settings.host
    if host == "127.0.0.1":  # ok "lint/client-ip"
        return collect()


@app.get("/me")
def me(request: Request):
    user_id = request.headers.get("X-User-Id")  # want "lint/header-identity"
    return load(user_id)


def current_user(request: Request):
    name = request.headers["X-User"]  # want "lint/header-identity"
    return find(name)


@app.get("/role")
def role(x_role: str = Header("user")):  # want "lint/header-identity"
    if x_role == "admin":
        return everything()


def is_admin(x_is_admin: bool = Header(False, alias="X-Is-Admin")):  # want "lint/header-identity"
    if not x_is_admin:
        raise HTTPException(403)


@app.get("/i", dependencies=[Depends(is_admin)])
def i():
    return everything()


def proxied(request: Request):
    if not secrets.compare_digest(request.headers["X-Proxy-Secret"], settings.proxy_secret):
        raise HTTPException(401)
    return find(request.headers["X-User-Id"])  # ok "lint/header-identity"


def logged(request: Request):
    logger.info("user %s", request.headers.get("X-User-Id"))  # ok "lint/header-identity"


def forward(request: Request):
    headers = {}
    headers["X-User-Id"] = "7"  # ok "lint/header-identity"
    return headers


@app.get("/j")
def j(x_request_id: str = Header(None)):  # ok "lint/header-identity"
    return load(x_request_id)
