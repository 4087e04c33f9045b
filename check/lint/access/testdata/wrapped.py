from functools import wraps

from fastapi import APIRouter, Depends, HTTPException, Request
from flask import Blueprint
from flask_login import login_required
from slowapi import Limiter
from slowapi.util import get_remote_address
from starlette.authentication import requires

from .auth import User, current_user

router = APIRouter()
pages = Blueprint("pages", __name__)
limiter = Limiter(key_func=get_remote_address)


def members_of(team):
    def wrap(handler):
        @wraps(handler)
        async def guarded(*args, user, **kwargs):
            if team not in user.teams:
                raise HTTPException(status_code=403)
            return await handler(*args, user=user, **kwargs)

        return guarded

    return wrap


def sparing(handler):
    @wraps(handler)
    async def counted(*args, **kwargs):
        if busy():
            raise HTTPException(429)
        return await handler(*args, **kwargs)

    return counted


def timed(handler):
    @wraps(handler)
    async def clock(*args, **kwargs):
        with timer(handler.__name__):
            return await handler(*args, **kwargs)

    return clock


def mapped(handler):
    @wraps(handler)
    async def caught(*args, **kwargs):
        try:
            return await handler(*args, **kwargs)
        except PermissionError:
            raise HTTPException(403)

    return caught


def needs(right):
    def mark(handler):
        handler.right = right
        return handler

    return mark


@members_of("billing")  # want "lint/decorator-order: members_of stands above the route"
@router.post("/parcels")
async def parcels(user: User = Depends(current_user)):
    return pack()


@router.post("/credits")
@members_of("billing")  # ok "lint/decorator-order"
async def give(user: User = Depends(current_user)):
    return pack()


@sparing  # want "lint/decorator-order"
@router.get("/reports")
async def reports(user: User = Depends(current_user)):
    return heavy()


@limiter.limit("5/minute")  # want "lint/decorator-order"
@router.post("/mails")
async def mails(request: Request, user: User = Depends(current_user)):
    return send()


@requires("staff")  # want "lint/decorator-order"
@router.get("/figures")
async def figures(request: Request, user: User = Depends(current_user)):
    return heavy()


@login_required  # want "lint/decorator-order"
@pages.route("/profile")
def profile():
    return show()


@pages.route("/friends")
@login_required  # ok "lint/decorator-order"
def friends():
    return show()


@timed  # ok "lint/decorator-order"
@router.get("/clock")
async def clock(user: User = Depends(current_user)):
    return now()


@mapped  # ok "lint/decorator-order"
@router.get("/mapped")
async def errors(user: User = Depends(current_user)):
    return now()


@needs("reports")  # ok "lint/decorator-order"
@router.get("/marked")
async def marked(user: User = Depends(current_user)):
    return heavy()


@router.get("/one")
@members_of("billing")  # ok "lint/decorator-order"
@timed
async def one(user: User = Depends(current_user)):
    return heavy()
