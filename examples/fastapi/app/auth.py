"""Tokens: "user id.signature". They do not expire."""

import hashlib
import hmac
import os
from typing import Annotated

from fastapi import Cookie, Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer

from .store import User, store

SECRET = os.environ.get("APP_SECRET", "development").encode()

scheme = OAuth2PasswordBearer(tokenUrl="/api/token", auto_error=False)


def sign(user_id: int) -> str:
    payload = str(user_id)
    return payload + "." + hmac.new(SECRET, payload.encode(), hashlib.sha256).hexdigest()


def user_of(token: str | None) -> User | None:
    payload, _, _ = (token or "").partition(".")
    if not payload.isdigit() or token != sign(int(payload)):
        return None
    return store.users.get(int(payload))


def current_user(
    token: Annotated[str | None, Depends(scheme)],
    session: Annotated[str | None, Cookie()] = None,
) -> User:
    user = user_of(token) or user_of(session)
    if user is None:
        raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    return user


CurrentUser = Annotated[User, Depends(current_user)]
