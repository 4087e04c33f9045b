from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query
from pydantic import BaseModel, Field
from sqlalchemy import select, text

app = FastAPI()
router = APIRouter()


@app.get("/a")
async def a(skip: int = 0, limit: int = Query(default=50, ge=1)):  # want "lint/unbounded-page: limit may be any number"
    return (await session.execute(select(Item).offset(skip).limit(limit))).scalars().all()


def fetch(db, offset: int, count: int):
    return db.query(Item).offset(offset).limit(count).all()


@router.get("/b")
def b(db: Annotated[Session, Depends(get_db)], page: int = 1, page_size: int = 20):  # want "lint/unbounded-page: page_size"
    return fetch(db, (page - 1) * page_size, count=page_size)


@app.get("/c")
def c(limit: Annotated[int, Query()] = 10):  # want "lint/unbounded-page"
    return db.execute(text("SELECT * FROM items LIMIT :n"), {"n": limit}).all()


class Params(BaseModel):
    limit: int = 100  # want "lint/unbounded-page: Params.limit"
    offset: int = 0


@app.get("/d")
def d(params: Annotated[Params, Query()]):
    return db.query(Item).offset(params.offset).limit(params.limit).all()


def paging(skip: int = 0, limit: int = 100):  # want "lint/unbounded-page: limit"
    return {"skip": skip, "limit": limit}


@app.get("/e")
def e(page: dict = Depends(paging)):
    return db.query(Item).offset(page["skip"]).limit(page["limit"]).all()


@app.get("/e2")
def e2(page: dict = Depends(paging)):
    return db.query(Other).offset(page["skip"]).limit(page["limit"]).all()


class Page:
    def __init__(self, skip: int = 0, limit: int = 100):  # want "lint/unbounded-page: limit"
        self.skip = skip
        self.limit = limit


@app.get("/f")
def f(page: Annotated[Page, Depends()]):
    return db.query(Item).offset(page.skip).limit(page.limit).all()


@app.get("/ok1")
def ok1(limit: Annotated[int, Query(le=100)] = 10):  # ok "lint/unbounded-page"
    return db.query(Item).limit(limit).all()


@app.get("/ok2")
def ok2(limit: int = 10):  # ok "lint/unbounded-page"
    return db.query(Item).limit(min(limit, 100)).all()


@app.get("/ok3")
def ok3(limit: int = 10):  # ok "lint/unbounded-page"
    if limit > 100:
        raise HTTPException(400)
    return db.query(Item).limit(limit).all()


@app.get("/ok4")
def ok4(limit: int = 10):  # ok "lint/unbounded-page"
    return {"limit": limit}


class Bounded(BaseModel):
    limit: int = Field(100, gt=0, le=100)  # ok "lint/unbounded-page"


@app.get("/ok5")
def ok5(params: Annotated[Bounded, Query()]):
    return db.query(Item).limit(params.limit).all()


def capped(db, count: int):
    count = min(count, 50)
    return db.query(Item).limit(count).all()


@app.get("/ok6")
def ok6(limit: int = 10):  # ok "lint/unbounded-page"
    return capped(db, limit)
