from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from ..auth import CurrentUser
from ..store import User, store

router = APIRouter(prefix="/api/users", tags=["users"])


class NewUser(BaseModel):
    email: str
    name: str
    password: str


class UserOut(BaseModel):
    id: int
    email: str
    name: str


@router.get("", response_model=list[UserOut])
def list_users() -> list[User]:
    return list(store.users.values())


@router.post("", response_model=UserOut, status_code=201)
def create_user(new: NewUser) -> User:
    if store.user_by_email(new.email):
        raise HTTPException(409, "This email is taken")
    return store.add_user(new.email, new.name, new.password)


@router.get("/me", response_model=UserOut)
def me(user: CurrentUser) -> User:
    return user


@router.get("/{user_id}", response_model=UserOut)
def get_user(user_id: int) -> User:
    if user_id not in store.users:
        raise HTTPException(404, "No such user")
    return store.users[user_id]
