import os

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi_users.authentication import CookieTransport
from settings import settings

app = FastAPI()
SESSION_COOKIE = "session_id"
OPTIONS = {"httponly": True, "secure": True, "samesite": "lax"}
LOOSE = {"httponly": True, "max_age": 3600}
transport = CookieTransport(cookie_secure=False)  # want "lint/cookie-flags: the cookie of the session lacks Secure"
strict = CookieTransport(cookie_name="auth")  # ok "lint/cookie-flags"


@app.post("/a")
def a(response: Response, token: str):
    response.set_cookie(key="access_token", value=f"Bearer {token}", httponly=True)  # want "lint/cookie-flags: the cookie access_token lacks Secure"
    response.set_cookie(SESSION_COOKIE, token, secure=False, httponly=False)  # want "lint/cookie-flags: the cookie session_id lacks Secure and HttpOnly"
    response.set_cookie(settings.session_cookie_name, token, secure=True)  # want "lint/cookie-flags: the cookie session_cookie_name lacks HttpOnly"
    response.set_cookie("refresh_token", token, httponly=True, samesite="none")  # want "lint/cookie-flags: the cookie refresh_token lacks Secure and SameSite"
    response.set_cookie("session", token, **LOOSE)  # want "lint/cookie-flags: the cookie session lacks Secure"
    response.set_cookie("session", token, **OPTIONS)  # ok "lint/cookie-flags"
    response.set_cookie("session", token, **settings.cookie_options)  # ok "lint/cookie-flags"
    response.set_cookie("session", token, httponly=True, secure=settings.https)  # ok "lint/cookie-flags"
    response.set_cookie("csrf_token", token, secure=True)  # ok "lint/cookie-flags"
    response.set_cookie("theme", "dark")  # ok "lint/cookie-flags"
    response.set_cookie("last_login_method", "github", secure=True)  # ok "lint/cookie-flags"
    response.delete_cookie("session")  # ok "lint/cookie-flags"
    response.headers["Set-Cookie"] = f"session={token}; Path=/; HttpOnly"  # want "lint/cookie-flags: the cookie session lacks Secure"
    response.headers.append("Set-Cookie", "sid=" + token + "; Path=/; HttpOnly; Secure")  # ok "lint/cookie-flags"


@app.post("/b")
def b(token: str):
    return JSONResponse({}, headers={"set-cookie": f"auth={token}"})  # want "lint/cookie-flags: the cookie auth lacks Secure and HttpOnly"


def login_user(response, name, value):
    response.set_cookie(name, value)  # want "lint/cookie-flags"


def keep(response, name, value):
    response.set_cookie(name, value)  # ok "lint/cookie-flags"


@app.post("/c")
def c(token: str):
    response = RedirectResponse("/")
    response.set_cookie("session", token, secure=True, httponly=True, domain="example.com")  # want "lint/cookie-domain: the cookie session goes to every host of example.com"
    response.set_cookie("token", token, secure=True, httponly=True, domain=".shop.example")  # want "lint/cookie-domain"
    response.set_cookie("token", token, secure=True, httponly=True, domain=settings.domain)  # ok "lint/cookie-domain"
    response.set_cookie("lang", "en", domain=".example.com")  # ok "lint/cookie-domain"
    return response
