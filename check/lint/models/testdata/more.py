from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
balances = {}


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
