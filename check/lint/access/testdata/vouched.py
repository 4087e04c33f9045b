from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import HTTPBearer

from .auth import get_current_user, settings

app = FastAPI()
SERVICES = {"lab-sync", "worker"}


def staff_or_service(request: Request, credentials=Depends(HTTPBearer(auto_error=False))):
    service = request.headers.get("x-service-name")  # want "lint/header-identity: staff_or_service believes"
    if service in settings.internal_services:
        return Caller(name=service)
    return get_current_user(credentials)


async def only_internal(x_internal_call: str = Header("")):
    if x_internal_call != "true":  # want "lint/header-identity"
        raise HTTPException(403)


async def from_gateway(request: Request):
    if not request.headers.get("X-From-Gateway"):  # want "lint/header-identity"
        raise HTTPException(status_code=403, detail="no")


def is_worker(request: Request) -> bool:
    return request.headers.get("X-Worker") in SERVICES


def require_worker(request: Request):
    caller = request.headers.get("X-Caller")  # want "lint/header-identity"
    if caller in SERVICES:
        return True
    raise HTTPException(401)


def with_token(request: Request):
    if request.headers.get("X-Internal-Token") != settings.internal_token:  # ok "lint/header-identity"
        raise HTTPException(403)


def with_secret(x_service: str = Header("")):
    if x_service != settings.service_secret:  # ok "lint/header-identity"
        raise HTTPException(403)


class Gate:
    def __init__(self, services=frozenset()):
        self.services = services

    async def __call__(self, request: Request, user=Depends(get_current_user)):
        if request.headers.get("x-service-name") in self.services:  # want "lint/header-identity"
            return None
        if user.role != "staff":
            raise HTTPException(403)
        return user


def flagged(request: Request, user=Depends(get_current_user)):
    if request.headers.get("x-app") == "kiosk":  # ok "lint/header-identity"
        return None
    return user


def counted(request: Request):
    source = request.headers.get("X-Source", "web")  # ok "lint/header-identity"
    metrics.labels(source).inc()
    if source == "web":
        metrics.labels("browser").inc()


@app.get("/a", dependencies=[Depends(staff_or_service)])
def a():
    return everything()


@app.get("/b", dependencies=[Depends(only_internal), Depends(counted)])
def b():
    return everything()


@app.get("/c", dependencies=[Depends(from_gateway), Depends(with_token)])
def c():
    return everything()


@app.get("/gate", dependencies=[Depends(Gate(SERVICES)), Depends(flagged)])
def gate():
    return everything()


@app.get("/d", dependencies=[Depends(require_worker), Depends(with_secret)])
def d():
    return everything()


@app.get("/e")
def e(x_client_version: str = Header(""), x_app_language: str = Header(""), user=Depends(get_current_user)):
    if x_client_version == "1":  # ok "lint/header-identity"
        raise HTTPException(403, "update")
    if x_app_language == "en":
        return everything()
