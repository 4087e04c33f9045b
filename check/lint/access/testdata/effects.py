from fastapi import Depends, FastAPI
from sqlalchemy import delete, select, text, update

app = FastAPI()
ITEMS = {}


@app.get("/items/{item_id}/delete")
def delete_item(item_id: int):  # want "lint/get-side-effect"
    del ITEMS[item_id]


@app.get("/remove")
def remove(item_id: int, session=Depends(get_session)):  # want "lint/get-side-effect"
    session.delete(session.get(Item, item_id))
    session.commit()


@app.get("/purge")
async def purge(db=Depends(get_db)):  # want "lint/get-side-effect"
    await db.execute(delete(Item).where(Item.old == True))


@app.get("/transfer")
def transfer(to: int, amount: int, db=Depends(get_db)):  # want "lint/get-side-effect"
    move(db, to, amount)


def move(db, to, amount):
    db.execute(update(Account).where(Account.id == to).values(balance=amount))
    db.commit()


@app.get("/users/{user_id}/promote")
def promote(user_id: int, cursor=Depends(get_cursor)):  # want "lint/get-side-effect"
    cursor.execute("UPDATE users SET role = 'admin' WHERE id = ?", (user_id,))


@app.get("/items")
def items(db=Depends(get_db)):  # ok "lint/get-side-effect"
    return db.execute(select(Item)).all()


@app.get("/items/{item_id}")
def item(item_id: int, db=Depends(get_db)):  # ok "lint/get-side-effect"
    found = db.get(Item, item_id)
    found.views += 1
    db.commit()
    return found


@app.get("/verify-email")
def verify_email(code: str, db=Depends(get_db)):  # ok "lint/get-side-effect"
    db.delete(db.get(Code, code))
    db.commit()


@app.api_route("/items/{item_id}/archive", methods=["GET", "POST"])
def archive(item_id: int, db=Depends(get_db)):  # ok "lint/get-side-effect"
    db.commit()


@app.post("/withdraw")
def withdraw(body: Withdraw, db=Depends(get_db)):
    account = db.query(Account).filter(Account.id == body.id).first()
    if account.balance < body.amount:
        raise HTTPException(400)
    account.balance -= body.amount  # want "lint/check-then-act: balance is checked in line 66"
    db.commit()


@app.post("/buy")
async def buy(body: Buy, db=Depends(get_db)):
    product = await db.get(Product, body.id)
    if product.stock <= 0:
        raise HTTPException(400)
    await charge(body)
    product.stock = product.stock - 1  # want "lint/check-then-act"
    await db.commit()


@app.post("/coupon")
async def coupon(body: Buy, db=Depends(get_db)):
    found = await db.scalar(select(Coupon).where(Coupon.code == body.code))
    if found.used:
        raise HTTPException(400)
    found.used = True  # want "lint/check-then-act"
    await db.commit()


@app.post("/gift")
async def gift(body: Buy, db=Depends(get_db)):
    found = await db.scalar(select(Gift).where(Gift.code == body.code))
    if found is None or found.claimed_by is not None:
        raise HTTPException(404)
    await notify(body)
    found.claimed_by = body.id  # want "lint/check-then-act: claimed_by is checked"
    await db.commit()


@app.post("/seen")
async def seen(body: Buy, db=Depends(get_db)):
    found = await db.get(Gift, body.id)
    if found.used_at is None:
        found.used_at = now()  # ok "lint/check-then-act"
    if found.shown_by is not None:
        return
    found.shown_by = body.id  # ok "lint/check-then-act"
    await db.commit()


@app.post("/memory")
async def memory(body: Buy):
    account = ACCOUNTS[body.id]
    if account["balance"] >= body.amount:
        await charge(body)
        account["balance"] -= body.amount  # want "lint/check-then-act"


@app.post("/locked")
async def locked(body: Buy, db=Depends(get_db)):
    product = (await db.execute(select(Product).where(Product.id == body.id).with_for_update())).scalar_one()
    if product.stock <= 0:
        raise HTTPException(400)
    product.stock -= 1  # ok "lint/check-then-act"


@app.post("/mutex")
async def mutex(body: Buy):
    async with lock:
        account = ACCOUNTS[body.id]
        if account["balance"] >= body.amount:
            account["balance"] -= body.amount  # ok "lint/check-then-act"


def default(body):
    order = body.order
    if order.quantity is None:
        order.quantity = lowest(order)  # ok "lint/check-then-act"
