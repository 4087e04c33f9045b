from decimal import Decimal

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

app = FastAPI()


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewOrder(Strict):
    item: int
    quantity: int = 1  # want "lint/number-unbounded: NewOrder.quantity may be negative"
    price: float  # want "lint/number-unbounded" "lint/price-from-client: NewOrder.price is the client's"


class OrderChange(Strict):
    quantity: int | None = None  # want "lint/number-unbounded"
    rating: int = 0  # ok "lint/number-unbounded"


class Line(Strict):
    product_id: int
    quantity: int  # want "lint/number-unbounded"
    unit_price: Decimal = Field(ge=0)  # want "lint/price-from-client"


class Checkout(Strict):
    lines: list[Line]


class Booking(Strict):
    room: int
    total_price: float = Field(gt=0)  # want "lint/price-from-client"


class Bounded(Strict):
    item: int
    quantity: PositiveInt  # ok "lint/number-unbounded"
    amount: int = Field(gt=0, le=10)  # ok "lint/number-unbounded"


class Compared(Strict):
    item: int
    quantity: int  # ok "lint/number-unbounded"
    price: float  # ok "lint/price-from-client"


class Trade(Strict):
    symbol: int
    quantity: int = Field(gt=0)
    price: float = Field(gt=0)  # ok "lint/price-from-client"


class Product(Strict):
    item: int
    price: float = Field(gt=0)  # ok "lint/price-from-client"


class Checked(Strict):
    item: int
    quantity: int  # ok "lint/number-unbounded"


@app.post("/orders")
def create(new: NewOrder, user=Depends(current_user)):
    return store.add_order(user.id, new.item, new.quantity, new.price)


@app.patch("/orders/{order_id}")
def change(order_id: int, change: OrderChange, user=Depends(current_user)):
    order = mine(user, order_id)
    if change.quantity is not None:
        order.quantity = change.quantity
    order.rating = change.rating
    return order


@app.post("/checkout")
async def checkout(body: Checkout, user=Depends(current_user)):
    return [await place(user, line.product_id, line.quantity, line.unit_price) for line in body.lines]


@app.post("/bookings")
def book(body: Booking):
    return db.bookings.insert_one(body.model_dump())


@app.post("/orders/bounded")
def bounded(body: Bounded):
    return store.add_order(body.item, body.quantity, body.amount)


@app.post("/orders/compared")
def compared(body: Compared):
    if body.quantity < 1 or body.price != store.price(body.item):
        raise ValueError
    return store.add_order(body.item, body.quantity, body.price)


@app.post("/orders/trade")
def trade(body: Trade):
    return exchange.place(body.symbol, body.quantity, body.price)


@app.post("/products")
def product(body: Product):
    return store.add_product(body.item, body.price)


@app.post("/orders/checked")
def checked(body: Checked):
    validate_order(body)
    return store.add_order(body.item, body.quantity)
