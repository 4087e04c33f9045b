"""Passwords and tokens."""

import jwt
from fastapi import APIRouter, HTTPException
from passlib.context import CryptContext  # want "lint/passlib"
from pydantic import BaseModel, ConfigDict, Field

from .store import find_user

router = APIRouter()
contexts = CryptContext(schemes=["bcrypt"], bcrypt__rounds=8)  # want "lint/weak-bcrypt"


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=254)
    password: str = Field(max_length=128)


# want+2 "lint/login-unthrottled"
@router.post("/login")
async def login(form: Login):
    user = await find_user(form.email)
    if not user:  # want "lint/user-timing"
        raise HTTPException(404, "User not found")  # want "lint/user-enumeration"
    if not contexts.verify(form.password, user.hashed_password):
        raise HTTPException(401, "Wrong password")
    return {"access_token": jwt.encode({"sub": user.id}, "change-me-please-1", algorithm="HS256")}  # want "lint/jwt-no-expiry" "lint/jwt-weak-key"


def current(token: str):
    return jwt.decode(token, options={"verify_signature": False})  # want "lint/jwt-verify-off"
