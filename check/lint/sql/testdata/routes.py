from enum import Enum
from typing import Annotated, Literal
from uuid import UUID

import aiosqlite
import asyncpg
import psycopg
import sqlite3
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from psycopg import sql
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import insert, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from .models import User

router = APIRouter()
SORTS = {"name": "users.name", "age": "users.age"}
COLUMNS = ("name", "age")
TABLE = "users"
conn = sqlite3.connect("app.db")


class Order(str, Enum):
    up = "ASC"
    down = "DESC"


class Search(BaseModel):
    term: str
    limit: int = 10
    sort: str = Field(default="name", pattern="^(name|age)$")
    field: str = "name"

    @field_validator("field")
    @classmethod
    def known(cls, v):
        if v not in COLUMNS:
            raise ValueError("no such field")
        return v


def get_db():
    yield None


def term(q: str = "") -> str:
    return q.strip()


def paging(q: str = "", sort: str = "name"):
    return {"q": q, "sort": sort}


class Filters:
    def __init__(self, owner: str = Query("")):
        self.owner = owner


@router.get("/percent")
def percent(name: str, db: Session = Depends(get_db)):
    rows = db.execute(text("SELECT * FROM users WHERE name = '%s'" % name))  # want "lint/sql-injection: name is part"
    return rows.all()


@router.get("/plus")
def plus(name: str):
    cursor = conn.cursor()
    query = "SELECT * FROM users WHERE name = '" + name + "'"
    cursor.execute(query)  # want "lint/sql-injection"
    return cursor.fetchall()


@router.get("/format")
def format(name: str):
    c = conn.cursor()
    c.execute("SELECT * FROM users WHERE name = '{}'".format(name))  # want "lint/sql-injection"


@router.get("/format-named")
async def format_named(name: str, session: AsyncSession = Depends(get_db)):
    statement = text("SELECT * FROM users WHERE name = '{name}'".format(name=name))  # want "lint/sql-injection"
    return await session.execute(statement)


@router.post("/model")
def model(search: Search, db: Session = Depends(get_db)):
    stmt = text(f"SELECT * FROM users WHERE name LIKE '%{search.term}%' LIMIT {search.limit}")  # want "lint/sql-injection: search.term"
    return db.execute(stmt).all()


@router.post("/model-good")
def model_good(search: Search, db: Session = Depends(get_db)):
    db.execute(text(f"SELECT {search.field} FROM users ORDER BY {search.sort} LIMIT {search.limit}"))  # ok "lint/sql-injection"


@router.get("/added")
def added(name: str | None = None, age: int | None = None):
    query = "SELECT * FROM users WHERE 1 = 1"
    if name:
        query += f" AND name = '{name}'"
    if age:
        query += f" AND age = {age}"
    return conn.execute(query).fetchall()  # want "lint/sql-injection"


@router.get("/list")
def listed(name: str | None = None):
    conditions = []
    if name:
        conditions.append(f"name = '{name}'")
    where = " AND ".join(conditions)
    return conn.execute(f"SELECT * FROM users WHERE {where}").fetchall()  # want "lint/sql-injection"


@router.get("/list-good")
def listed_good(name: str | None = None, tag: str | None = None):
    conditions, params = ["1 = 1"], []
    if name:
        conditions.append("name = ?")
        params.append(name)
    if tag:
        conditions.append("tag = ?")
        params.append(tag)
    where = " AND ".join(conditions)
    return conn.execute(f"SELECT * FROM users WHERE {where}", params).fetchall()  # ok "lint/sql-injection" "lint/sql-built"


@router.get("/order")
async def order(sort: str = "name", direction: Order = Order.up):
    async with aiosqlite.connect("app.db") as db:
        await db.execute(f"SELECT * FROM users ORDER BY {sort} {direction.value}")  # want "lint/sql-injection: sort"


@router.get("/order-good")
async def order_good(sort: str = "name", direction: Order = Order.up, desc: bool = False):
    column = SORTS.get(sort, "users.id")
    other = SORTS[sort]
    async with aiosqlite.connect("app.db") as db:
        await db.execute(f"SELECT * FROM users ORDER BY {column} {direction.value}")  # ok "lint/sql-injection"
        await db.execute(f"SELECT * FROM users ORDER BY {other} {'DESC' if desc else 'ASC'}")  # ok "lint/sql-injection"


@router.get("/checked")
def checked(sort: str, way: str):
    if sort not in COLUMNS:
        raise ValueError(sort)
    way = "DESC" if way == "desc" else "ASC"
    return conn.execute(f"SELECT * FROM users ORDER BY {sort} {way}").fetchall()  # ok "lint/sql-injection"


@router.get("/literal")
def literal(sort: Literal["name", "age"], by: str = Query("id", pattern="^[a-z]+$"), to: Annotated[str, Query(regex="^(a|b)$")] = "a"):
    return conn.execute(f"SELECT * FROM users ORDER BY {sort}, {by}, {to}").fetchall()  # ok "lint/sql-injection"


@router.get("/typed/{item_id}/{uid}")
def typed(item_id: int, uid: UUID, db=Depends(get_db)):
    return db.execute(f"SELECT * FROM items WHERE id = {item_id} AND uid = '{uid}'").fetchone()  # ok "lint/sql-injection" "lint/sql-built"


@router.get("/cast/{item_id}")
def cast(item_id: str, db=Depends(get_db)):
    item_id = int(item_id)
    return db.execute(f"SELECT * FROM items WHERE id = {item_id}").fetchone()  # ok "lint/sql-injection"


@router.get("/path/{item_id}")
def path(item_id, db=Depends(get_db)):
    return db.execute("SELECT * FROM items WHERE id = " + str(item_id)).fetchone()  # want "lint/sql-injection"


@router.get("/request")
async def request(request: Request, db=Depends(get_db)):
    name = request.query_params.get("name")
    return await db.fetch_all(query=f"SELECT * FROM users WHERE name = '{name}'")  # want "lint/sql-injection: request.query_params"


@router.post("/json")
async def json(request: Request, db=Depends(get_db)):
    body = await request.json()
    return db.execute(f"DELETE FROM users WHERE name = '{body['name']}'")  # want "lint/sql-injection"


@router.get("/header")
def header(x_tenant: Annotated[str, Header()], db=Depends(get_db)):
    db.execute(f"SET search_path TO {x_tenant}")  # want "lint/sql-injection"


@router.get("/pool")
async def pool(request: Request, q: str):
    async with request.app.state.pool.acquire() as connection:
        return await connection.fetch(f"SELECT * FROM users WHERE name ILIKE '%{q}%'")  # want "lint/sql-injection"


@router.get("/asyncpg")
async def asyncpg_(q: str):
    connection = await asyncpg.connect("postgres://")
    await connection.fetchrow("SELECT * FROM users WHERE name = $1", q)  # ok "lint/sql-injection"
    return await connection.fetchval(f"SELECT count(*) FROM {q}")  # want "lint/sql-injection"


@router.get("/composed")
def composed(table: str):
    with psycopg.connect("") as c:
        c.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))  # ok "lint/sql-injection" "lint/sql-built"
        c.execute(sql.SQL(f"SELECT * FROM {table}"))  # want "lint/sql-injection"


@router.get("/orm")
def orm(q: str, db: Session = Depends(get_db)):
    stmt = select(User).where(User.name.ilike(f"%{q}%"))
    if q:
        stmt = stmt.where(User.name == q)
    db.execute(update(User).values(name=q))  # ok "lint/sql-injection"
    db.execute(insert(User).values(name=q))
    db.execute(text("SELECT 1 WHERE :q = 'x'").bindparams(q=q))  # ok "lint/sql-injection"
    db.execute(text("SELECT * FROM users WHERE name = :name"), {"name": q})  # ok "lint/sql-injection"
    db.query(User).filter(text(f"name = '{q}'"))  # want "lint/sql-injection"
    db.query(User).order_by(literal_column(q))  # want "lint/sql-injection"
    return db.execute(stmt).scalars().all()


@router.post("/console")
def console(sql: str, db: Session = Depends(get_db)):
    return db.execute(text(sql)).all()  # want "lint/sql-injection: sql is"


@router.post("/console-raw")
def console_raw(query: str):
    return conn.executescript(query)  # want "lint/sql-injection"


@router.get("/depends")
def depends(q: str = Depends(term), page: dict = Depends(paging), filters: Filters = Depends(Filters)):
    conn.execute(f"SELECT * FROM users WHERE name = '{q}'")  # want "lint/sql-injection"
    conn.execute(f"SELECT * FROM users WHERE name = '{page['q']}'")  # want "lint/sql-injection"
    conn.execute(f"SELECT * FROM users WHERE owner = '{filters.owner}'")  # want "lint/sql-injection"


def find(name):
    return conn.execute(f"SELECT * FROM users WHERE name = '{name}'").fetchall()  # want "lint/sql-injection"


@router.get("/threads")
async def threads(name: str):
    return await run_in_threadpool(find, name)


def clause(name):
    return f"name = '{name}'"


@router.get("/clause")
def with_clause(name: str):
    return conn.execute("SELECT * FROM users WHERE " + clause(name))  # want "lint/sql-injection"


def run(statement):
    return conn.execute(statement)


@router.get("/wrapped")
def wrapped(name: str):
    run("SELECT 1")
    return run(f"SELECT * FROM users WHERE name = '{name}'")  # want "lint/sql-injection"


@router.get("/ids")
def ids(ids: list[int] = Query([]), names: list[str] = Query([])):
    marks = ",".join("?" * len(ids))
    conn.execute(f"SELECT * FROM users WHERE id IN ({marks})", ids)  # ok "lint/sql-injection" "lint/sql-built"
    conn.execute(f"SELECT * FROM users WHERE id IN ({','.join(str(i) for i in ids)})")  # ok "lint/sql-injection" "lint/sql-built"
    conn.execute(f"SELECT * FROM users WHERE name IN ({','.join(names)})")  # want "lint/sql-injection"


@router.get("/ident/{table}")
def ident(table: str = Path()):
    if not table.isidentifier():
        raise ValueError(table)
    return conn.execute(f"SELECT count(*) FROM {table}").fetchone()  # ok "lint/sql-injection"


def check_column(column):
    if column not in COLUMNS:
        raise ValueError(column)


@router.get("/refused")
def refused(by: str):
    check_column(by)
    return conn.execute(f"SELECT * FROM users ORDER BY {by}").fetchall()  # ok "lint/sql-injection"
