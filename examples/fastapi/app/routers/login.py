from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel

from ..auth import sign
from ..store import store, verify_password

router = APIRouter(prefix="/api", tags=["login"])


class Credentials(BaseModel):
    email: str
    password: str


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


def authenticate(email: str, password: str, response: Response) -> Token:
    user = store.user_by_email(email)
    if user is None or not verify_password(password, user.password):
        raise HTTPException(401, "Wrong email or password")
    token = sign(user.id)
    response.set_cookie("session", token, samesite=None)
    return Token(access_token=token)


@router.post("/login")
def login(credentials: Credentials, response: Response) -> Token:
    """Log in with JSON."""
    return authenticate(credentials.email, credentials.password, response)


@router.post("/token")
def token(form: Annotated[OAuth2PasswordRequestForm, Depends()], response: Response) -> Token:
    """Log in with a form, as the OAuth2 password flow does."""
    return authenticate(form.username, form.password, response)
