from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from ..auth import CurrentUser
from ..store import Comment, store

router = APIRouter(prefix="/api/orders/{order_id}/comments", tags=["comments"])


class NewComment(BaseModel):
    text: str


class CommentOut(BaseModel):
    id: int
    order_id: int
    author: str
    text: str


def of(order_id: int) -> list[Comment]:
    if order_id not in store.orders:
        raise HTTPException(404, "No such order")
    return [c for c in store.comments.values() if c.order_id == order_id]


@router.get("", response_model=list[CommentOut])
def list_comments(order_id: int) -> list[Comment]:
    return of(order_id)


@router.post("", response_model=CommentOut, status_code=201)
def create_comment(order_id: int, new: NewComment, user: CurrentUser) -> Comment:
    of(order_id)
    return store.add_comment(order_id, user.name, new.text)


@router.get("/page", response_class=HTMLResponse)
def comments_page(order_id: int) -> str:
    """The comments as a page, with nothing escaped."""
    items = "".join(f"<li><b>{c.author}</b>: {c.text}</li>" for c in of(order_id))
    return f"<!DOCTYPE html><title>Order {order_id}</title><ul>{items}</ul>"
