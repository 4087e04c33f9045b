from decimal import Decimal

import stripe
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, Field
from sqlalchemy.orm import DeclarativeBase, Mapped

app = FastAPI()


class Base(DeclarativeBase):
    pass


class Order(Base):
    id: Mapped[int]
    total: Mapped[int]


class Product(Base):
    id: Mapped[int]
    price: Mapped[int]


class Line(BaseModel):
    product_id: int
    quantity: int = Field(ge=1, le=20)
    unit_price_cents: int = Field(ge=0)


class Safe(BaseModel):  # ok "lint/model-extra"
    product_id: int
    quantity: int = Field(ge=1, le=20)


class Payload(BaseModel):  # want "lint/model-extra"
    lines: list[Line] = Field(max_length=50)


class SafePayload(BaseModel):
    lines: list[Safe] = Field(max_length=50)


class Checkout(BaseModel):
    items: list[int] = Field(max_length=50)
    total_amount: int = Field(ge=0)


class Payment(BaseModel):
    plan_id: int
    amount: int = Field(ge=1)


class Donation(BaseModel):
    amount: int = Field(ge=1)


class NewProduct(BaseModel):
    price: int = Field(ge=0)
    stock: int = Field(ge=0)


@app.post("/a")
def loop(payload: Payload):
    total = 0
    for line in sorted(payload.lines, key=lambda item: item.product_id):
        total += line.unit_price_cents * line.quantity  # want "lint/price-from-client: loop reckons"
    return save(total)


@app.post("/b")
def generator(payload: Payload):
    return save(sum(line.quantity * line.unit_price_cents for line in payload.lines))  # want "lint/price-from-client"


@app.post("/c")
async def raw(request: Request):
    data = await request.json()
    total = sum(Decimal(item["price"]) * int(item["quantity"]) for item in data["items"])  # want "lint/price-from-client"
    return save(total)


@app.post("/d")
def stored(payload: Checkout, db=Depends(get_db)):
    db.add(Order(total=payload.total_amount))  # want "lint/price-from-client"


@app.post("/e")
def charged(payload: Payment):
    return stripe.PaymentIntent.create(amount=payload.amount * 100, currency="eur")  # want "lint/price-from-client"


def reckon(lines: list[Line]):
    return sum(line.unit_price_cents * line.quantity for line in lines)  # want "lint/price-from-client"


@app.post("/f")
def helped(payload: Payload):
    return save(reckon(payload.lines))


@app.post("/g")
def looked_up(payload: SafePayload, db=Depends(get_db)):
    total = 0
    for line in payload.lines:
        product = db.get(Product, line.product_id)
        total += product.price * line.quantity  # ok "lint/price-from-client"
    db.add(Order(total=total))


@app.post("/h")
def compared(payload: Payload, db=Depends(get_db)):
    total = 0
    for line in payload.lines:
        if line.unit_price_cents != db.get(Product, line.product_id).price:
            raise ValueError("the price has changed")
        total += line.unit_price_cents * line.quantity  # ok "lint/price-from-client"
    return save(total)


@app.post("/i")
def donate(payload: Donation):
    return stripe.PaymentIntent.create(amount=payload.amount, currency="eur")  # ok "lint/price-from-client"


@app.post("/admin/products")
def new_product(body: NewProduct, db=Depends(get_db)):
    db.add(Product(price=body.price))  # ok "lint/price-from-client"
    return body.price * body.stock


@app.post("/quote")
def quote(payload: Payload):
    return sum(line.unit_price_cents * line.quantity for line in payload.lines)  # ok "lint/price-from-client"


@app.get("/j")
def report(db=Depends(get_db)):
    return sum(row["price"] * row["quantity"] for row in db.execute("SELECT price, quantity FROM lines"))  # ok "lint/price-from-client"


class Room(Base):
    id: Mapped[int]
    night_price: Mapped[int]


class Booking(Base):
    id: Mapped[int]
    total_cents: Mapped[int]


class Stay(BaseModel):
    place: int
    nights: int = Field(ge=1, le=30)
    shown_total: int | None = Field(None, ge=0)


def total_of(body: Stay, night: int) -> int:
    return next(v for v in (body.shown_total, body.nights * night) if v is not None)  # want "lint/price-from-client: stay takes shown_total"


@app.post("/stays")
def stay(body: Stay, db=Depends(get_db)):
    room = db.get(Room, body.place)
    total = total_of(body, room.night_price)
    db.add(Booking(total_cents=total))


@app.post("/stays/either")
def either(body: Stay, db=Depends(get_db)):
    room = db.get(Room, body.place)
    db.add(Booking(total_cents=body.shown_total or body.nights * room.night_price))  # want "lint/price-from-client: either takes shown_total"


@app.post("/stays/own")
def own(body: Stay, db=Depends(get_db)):
    room = db.get(Room, body.place)
    total = body.nights * room.night_price
    if body.shown_total is not None and body.shown_total != total:
        raise HTTPException(409)
    db.add(Booking(total_cents=total))  # ok "lint/price-from-client"
