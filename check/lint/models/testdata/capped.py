from fastapi import Depends, FastAPI, Query
from sqlalchemy import select

from .db import Inspection, get_db

app = FastAPI()


@app.get("/a")
def a(limit: int = Query(20, ge=1), db=Depends(get_db)):  # want "lint/unbounded-page"
    return db.scalars(select(Inspection).limit(min(limit, 2**62))).all()


@app.get("/b")
def b(limit: int = Query(20, ge=1), db=Depends(get_db)):  # want "lint/unbounded-page"
    sql = f"SELECT id FROM stations ORDER BY id LIMIT {min(limit, 2**62)}"
    return db.connection().exec_driver_sql(sql).all()


@app.get("/c")
def c(limit: int = Query(20, ge=1), db=Depends(get_db)):  # ok "lint/unbounded-page"
    return db.scalars(select(Inspection).limit(min(limit, 100))).all()
