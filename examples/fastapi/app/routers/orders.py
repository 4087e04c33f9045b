from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from ..auth import CurrentUser
from ..store import Order, store

router = APIRouter(prefix="/api/orders", tags=["orders"])


class NewOrder(BaseModel):
    item: str
    quantity: int = 1
    price: float


class OrderChange(BaseModel):
    quantity: int | None = None
    status: str | None = None


class OrderOut(BaseModel):
    id: int
    user_id: int
    item: str
    quantity: int
    price: float
    status: str


def find(order_id: int) -> Order:
    if order_id not in store.orders:
        raise HTTPException(404, "No such order")
    return store.orders[order_id]


@router.get("", response_model=list[OrderOut])
def list_orders(q: str = "", limit: int = Query(50, ge=1, le=1000)) -> list[Order]:
    return [o for o in store.orders.values() if q.lower() in o.item.lower()][:limit]


@router.post("", response_model=OrderOut, status_code=201)
def create_order(new: NewOrder, user: CurrentUser) -> Order:
    return store.add_order(user.id, new.item, new.quantity, new.price)


@router.get("/{order_id}", response_model=OrderOut)
def get_order(order_id: int) -> Order:
    return find(order_id)


@router.patch("/{order_id}", response_model=OrderOut)
def change_order(order_id: int, change: OrderChange, user: CurrentUser) -> Order:
    order = find(order_id)
    if change.quantity is not None:
        order.quantity = change.quantity
    if change.status is not None:
        order.status = change.status
    return order


@router.delete("/{order_id}", status_code=204)
def delete_order(order_id: int, user: CurrentUser) -> None:
    find(order_id)
    del store.orders[order_id]
