package exposure

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const head = `from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy.orm import DeclarativeBase, Mapped

app = FastAPI()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int]
    name: Mapped[str]
    hashed_password: Mapped[str]


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int]
    title: Mapped[str]


class UserOut(BaseModel):
    id: int
    name: str


`

var leaks = &analysis.Rule{
	ID: "lint/response-leaks", Title: "An answer holds a secret of a user", Severity: finding.High,
	Refs:   []string{"CWE-213", "CWE-200", "API3", "V15.3.1", "V8.2.3"},
	Text:   "A password, its hash, or the secret of a second factor goes out to whoever may read the object; hashes are guessed at home.",
	Fix:    "Answer with a model that has only what is meant to be seen, by response_model or the return annotation.",
	Pavise: "probe/excessive-data",
	Bad:    head + "@app.get(\"/users/{user_id}\")\ndef user(user_id: int, db=Depends(get_db)):\n    found = db.get(User, user_id)\n    return {\"name\": found.name, \"password\": found.hashed_password}\n",
	Good:   head + "@app.get(\"/users/{user_id}\")\ndef user(user_id: int, db=Depends(get_db)):\n    found = db.get(User, user_id)\n    return {\"name\": found.name}\n",
}

var ormReturned = &analysis.Rule{
	ID: "lint/orm-returned", Title: "A row with secrets is returned as it is", Severity: finding.Medium,
	Refs:   []string{"CWE-213", "API3", "V15.3.1"},
	Text:   "Without a response model FastAPI writes all columns of a row: the table has a password, or what is like one.",
	Fix:    "Give the route response_model, or a return annotation, of a model without the column.",
	Pavise: "probe/excessive-data",
	Bad:    head + "@app.get(\"/users/{user_id}\")\ndef user(user_id: int, db=Depends(get_db)):\n    return db.get(User, user_id)\n",
	Good:   head + "@app.get(\"/users/{user_id}\", response_model=UserOut)\ndef user(user_id: int, db=Depends(get_db)):\n    return db.get(User, user_id)\n",
}

var noModel = &analysis.Rule{
	ID: "lint/no-response-model", Title: "Rows are returned without a response model", Severity: finding.Info, Kind: analysis.Posture,
	Refs: []string{"CWE-213", "API3", "V15.3.1"},
	Text: "What a table has today goes out, and so does the column that is added tomorrow.",
	Fix:  "Give routes that return rows a response_model, or a return annotation.",
	Bad:  head + "@app.get(\"/items\")\ndef items(db=Depends(get_db)):\n    return db.query(Item).all()\n",
	Good: head + "@app.get(\"/items\", response_model=list[ItemOut])\ndef items(db=Depends(get_db)):\n    return db.query(Item).all()\n",
}

var cachePublic = &analysis.Rule{
	ID: "lint/cache-public", Title: "What is for one caller may be kept for others", Severity: finding.Medium,
	Refs:   []string{"CWE-525", "CWE-524", "API8", "RFC 9111 section 3.5"},
	Text:   "Cache-Control: public lets shared caches keep an answer to a request that had a token: the next who asks gets it without one.",
	Fix:    "Say no-store, or private where the caller's own browser may keep it.",
	Pavise: "headers",
	Bad:    caller + "@app.get(\"/me\")\ndef me(response: Response, user: User = Depends(current_user)):\n    response.headers[\"Cache-Control\"] = \"public, max-age=600\"\n    return {\"name\": user.name}\n",
	Good:   caller + "@app.get(\"/me\")\ndef me(response: Response, user: User = Depends(current_user)):\n    response.headers[\"Cache-Control\"] = \"private, max-age=600\"\n    return {\"name\": user.name}\n",
}

const caller = `from fastapi import Depends, FastAPI, Response

from .auth import User, current_user

app = FastAPI()


`
