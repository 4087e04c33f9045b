from fastapi import Depends, FastAPI
from pydantic import BaseModel

from .db import find, get_db, send

app = FastAPI()


class Answer(BaseModel):
    detail: str
    reference: str


@app.post("/forgot")
def forgot(email: str, db=Depends(get_db)):
    user = find(db, email)
    if not user:
        return Answer(detail="sent", reference="none")  # want "lint/user-enumeration"
    return Answer(detail="sent", reference=send(user))


@app.post("/recover")
def recover(email: str, db=Depends(get_db)):
    user = find(db, email)
    if user is None:
        return {"detail": "ok"}  # want "lint/user-enumeration"
    send(user)
    return {"detail": "sent"}


@app.post("/password-reset")
def alike(email: str, db=Depends(get_db)):
    user = find(db, email)
    if user is None:
        return {"detail": "sent"}  # ok "lint/user-enumeration"
    send(user)
    return {"detail": "sent"}


class Address:
    def __init__(self, host, password):
        self.host, self.password = host, password

    def __eq__(self, other):
        return self.host == other.host and self.password == other.password  # ok "lint/password-plain"
