from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import update
from sqlalchemy.orm import DeclarativeBase, Mapped

app = FastAPI()
balances = {}


class Base(DeclarativeBase):
    pass


class Line(BaseModel):
    sku: str  # want "lint/str-unbounded"
    quantity: int  # want "lint/number-unbounded"


class Cart(BaseModel):  # want "lint/model-extra"
    lines: list[Line]


class Transfer(BaseModel):
    to: str
    amount: float  # want "lint/number-unbounded"


@app.post("/cart")
def cart(cart: Cart):
    return sum(PRICES[line.sku] * line.quantity for line in cart.lines)


@app.post("/transfer")
def transfer(t: Transfer, user: str):
    if balances[user] < t.amount:
        raise ValueError
    balances[user] -= t.amount
    balances[t.to] += t.amount


@app.get("/rows")
def rows(limit: int = 50):  # want "lint/unbounded-page"
    query = f"SELECT * FROM items LIMIT {limit}"
    return conn.execute(query).fetchall()


@app.get("/rows2")
def rows2(limit: int = 50, offset: int = 0):  # want "lint/unbounded-page"
    return conn.execute("SELECT * FROM items LIMIT ? OFFSET ?", (limit, offset)).fetchall()


@app.get("/docs")
async def docs(size: int = 50):  # want "lint/unbounded-page"
    return await collection.find({}).to_list(length=size)


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int]
    credit_cents: Mapped[int]


class Ledger:
    def __init__(self, db):
        self.db = db

    def take(self, account_id: int, amount: int) -> bool:
        done = self.db.execute(update(Account).where(Account.id == account_id, Account.credit_cents >= amount).values(credit_cents=Account.credit_cents - amount))
        return done.rowcount == 1

    def move(self, source: int, target: int, amount: int):
        self.take(source, amount)

    def careful(self, account_id: int, amount: int):
        if amount <= 0:
            raise ValueError
        self.db.execute(update(Account).values(credit_cents=Account.credit_cents + amount))


class Gift(BaseModel):
    amount_cents: int  # want "lint/number-unbounded"


class Move(BaseModel):
    amount: int  # want "lint/number-unbounded"


class Bounded(BaseModel):
    amount: int = Field(gt=0)  # ok "lint/number-unbounded"


class Asked(BaseModel):
    amount: int  # ok "lint/number-unbounded"


@app.post("/gift")
def gift(body: Gift):
    ledger = Ledger(conn)
    ledger.take(1, body.amount_cents)


@app.post("/move")
def move(body: Move):
    ledger = Ledger(conn)
    ledger.move(1, 2, amount=body.amount)


@app.post("/bounded")
def bounded(body: Bounded):
    ledger = Ledger(conn)
    ledger.take(1, body.amount)


@app.post("/asked")
def asked(body: Asked):
    ledger = Ledger(conn)
    ledger.careful(1, body.amount)
