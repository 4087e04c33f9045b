import sqlite3

from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

app = FastAPI()
USERS = {}


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    name: Mapped[str] = mapped_column()
    password: Mapped[str] = mapped_column()
    password_hash: Mapped[str] = mapped_column()


class Register(BaseModel):
    name: str
    password: str = Field(min_length=12)
    password_confirm: str


@app.post("/register")
def register(body: Register):
    if body.password != body.password_confirm:  # ok "lint/password-plain"
        return {}
    db.add(User(name=body.name, password=body.password))  # want "lint/password-plain: a password goes into the table of User"
    db.add(User(name=body.name, password=hash_password(body.password)))  # ok "lint/password-plain"
    db.execute("INSERT INTO users (name, password) VALUES (?, ?)", (body.name, body.password))  # want "lint/password-plain: a password goes into the database"
    hashed = hash_password(body.password)
    db.execute("INSERT INTO users (name, password) VALUES (?, ?)", (body.name, hashed))  # ok "lint/password-plain"


@app.post("/login")
def login(name: str, password: str):
    if USERS[name]["password"] == password:  # want "lint/password-plain: a stored password"
        return {}
    user = find(name)
    if user.password != password:  # want "lint/password-plain"
        return {}
    if password == "":  # ok "lint/password-plain"
        return {}
    if user.password_hash == crypt(password):  # ok "lint/password-plain"
        return {}
