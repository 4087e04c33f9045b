package access

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

// head begins the samples: an application that knows who calls.
const head = `from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from sqlalchemy.orm import DeclarativeBase, Mapped
from pydantic import BaseModel

from .auth import User, get_current_user
from .db import get_db

app = FastAPI()


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int]
    owner_id: Mapped[int]
    text: Mapped[str]


class OrderIn(BaseModel):
    owner_id: int
    text: str


@app.get("/orders")
def list_orders(user: User = Depends(get_current_user), db=Depends(get_db)):
    return db.query(Order).filter(Order.owner_id == user.id).all()


`

var noAuth = &analysis.Rule{
	ID: "lint/no-auth-route", Title: "A route asks nobody who they are", Severity: finding.Medium,
	Refs:   []string{"CWE-306", "API2", "API5", "V8.2.1"},
	Text:   "Its neighbours depend on who calls and this one does not: whoever knows the path calls it.",
	Fix:    "Give the route, or its router, the dependency that its neighbours have. What is meant to be public is better kept in a router of its own.",
	Pavise: "probe/no-auth",
	Bad:    head + "@app.delete(\"/orders/{order_id}\")\ndef delete_order(order_id: int, db=Depends(get_db)):\n    db.delete(db.get(Order, order_id))\n    db.commit()\n",
	Good:   head + "@app.delete(\"/orders/{order_id}\")\ndef delete_order(order_id: int, user: User = Depends(get_current_user), db=Depends(get_db)):\n    db.delete(db.query(Order).filter(Order.id == order_id, Order.owner_id == user.id).one())\n    db.commit()\n",
}

var idor = &analysis.Rule{
	ID: "lint/idor", Title: "An object is got by its id alone", Severity: finding.Info,
	Refs:   []string{"CWE-639", "API1", "V8.2.2"},
	Text:   "Nothing in the handler, nor in what it calls, asks whose the object is: where it belongs to somebody, others reach it by counting.",
	Fix:    "Ask for the owner in the query: where id = … and owner_id = the caller's. Answer 404 for those of others.",
	Pavise: "probe/bola-read",
	Bad:    head + "@app.get(\"/orders/{order_id}\")\ndef order(order_id: int, user: User = Depends(get_current_user), db=Depends(get_db)):\n    log.info(\"asked by %s\", user.id)\n    return db.get(Order, order_id)\n",
	Good:   head + "@app.get(\"/orders/{order_id}\")\ndef order(order_id: int, user: User = Depends(get_current_user), db=Depends(get_db)):\n    found = db.get(Order, order_id)\n    if found is None or found.owner_id != user.id:\n        raise HTTPException(404)\n    return found\n",
}

var unused = &analysis.Rule{
	ID: "lint/idor-unused-user", Title: "Who calls is asked for, and not looked at", Severity: finding.Medium,
	Refs:   []string{"CWE-639", "API1", "V8.2.2"},
	Text:   "The handler takes the current user and never reads it, while it gets or changes an object by an id that the client chose: any user reaches those of all.",
	Fix:    "Ask for the owner in the query: where id = … and owner_id = the caller's. Answer 404 for those of others.",
	Pavise: "probe/bola-read",
	Bad:    head + "@app.get(\"/orders/{order_id}\")\ndef order(order_id: int, user: User = Depends(get_current_user), db=Depends(get_db)):\n    return db.get(Order, order_id)\n",
	Good:   head + "@app.get(\"/orders/{order_id}\")\ndef order(order_id: int, user: User = Depends(get_current_user), db=Depends(get_db)):\n    return db.query(Order).filter(Order.id == order_id, Order.owner_id == user.id).first()\n",
}

var adminNoRole = &analysis.Rule{
	ID: "lint/admin-no-role", Title: "A route of administrators asks for no role", Severity: finding.High,
	Refs:   []string{"CWE-285", "CWE-862", "API5", "V8.2.1"},
	Text:   "It depends on a user who is logged in, and neither it nor what it calls asks for a role: every user is an administrator.",
	Fix:    "Depend on a function that refuses with 403 who has not the role; best on the router.",
	Pavise: "probe/function-level",
	Bad:    head + "@app.post(\"/admin/reindex\")\ndef reindex(user: User = Depends(get_current_user)):\n    start_reindex()\n",
	Good:   head + "@app.post(\"/admin/reindex\")\ndef reindex(user: User = Depends(get_current_user)):\n    if user.role != \"admin\":\n        raise HTTPException(403)\n    start_reindex()\n",
}

var ownerFromBody = &analysis.Rule{
	ID: "lint/owner-from-body", Title: "The client says whose object it is", Severity: finding.High,
	Refs:   []string{"CWE-639", "CWE-807", "API1", "API3", "V8.3.1"},
	Text:   "The owner, or the role, is taken from what the client sent, while it is known who calls: a user acts as another.",
	Fix:    "Take the owner from the current user, and leave the field out of the request's model.",
	Pavise: "probe/owner-from-body",
	Bad:    head + "@app.post(\"/orders\")\ndef create(body: OrderIn, user: User = Depends(get_current_user), db=Depends(get_db)):\n    db.add(Order(owner_id=body.owner_id, text=body.text))\n",
	Good:   head + "@app.post(\"/orders\")\ndef create(body: OrderIn, user: User = Depends(get_current_user), db=Depends(get_db)):\n    db.add(Order(owner_id=user.id, text=body.text))\n",
}

var massAssignment = &analysis.Rule{
	ID: "lint/mass-assignment", Title: "A client sets fields that are not its own", Severity: finding.High,
	Refs:   []string{"CWE-915", "API3", "V15.3.3"},
	Text:   "All that the request holds is stored, with fields such as is_admin, role, balance or owner_id: whoever sends them has them.",
	Fix:    "Take a model that has only what a client may set, with extra=\"forbid\", and copy its fields.",
	Pavise: "probe/mass-assignment",
	Bad:    head + "@app.patch(\"/orders/{order_id}\")\nasync def change(order_id: int, request: Request, user: User = Depends(get_current_user), db=Depends(get_db)):\n    found = db.query(Order).filter(Order.id == order_id, Order.owner_id == user.id).one()\n    for key, value in (await request.json()).items():\n        setattr(found, key, value)\n",
	Good:   head + "@app.patch(\"/orders/{order_id}\")\nasync def change(order_id: int, body: OrderIn, user: User = Depends(get_current_user), db=Depends(get_db)):\n    found = db.query(Order).filter(Order.id == order_id, Order.owner_id == user.id).one()\n    found.text = body.text\n",
}

var hidden = &analysis.Rule{
	ID: "lint/hidden-route", Title: "A route is hidden, and open", Severity: finding.Low,
	Refs:   []string{"CWE-425", "CWE-1059", "API9", "V8.2.1"},
	Text:   "include_in_schema=False takes a route out of the documentation and leaves it where it is; whoever guesses the path, calls it.",
	Fix:    "Give it the dependency that the others have, or take it out.",
	Pavise: "probe/hidden-routes",
	Bad:    head + "@app.get(\"/debug/state\", include_in_schema=False)\ndef state():\n    return STATE\n",
	Good:   head + "@app.get(\"/debug/state\", include_in_schema=False)\ndef state(user: User = Depends(get_current_admin)):\n    return STATE\n",
}

var webSocket = &analysis.Rule{
	ID: "lint/websocket-no-auth", Title: "A WebSocket asks nobody who they are", Severity: finding.Medium,
	Refs:   []string{"CWE-306", "CWE-1385", "API2", "V4.4.2", "V8.2.1", "RFC 6455 section 10.2"},
	Text:   "Neither CORS nor the same-origin policy holds for WebSockets: any page in a user's browser, and anybody else, opens it.",
	Fix:    "Verify a token before accept(), compare the Origin header with a list, and close with 1008 otherwise.",
	Pavise: "origins", // the policy's own check of Origin
	Bad:    head + "@app.websocket(\"/ws\")\nasync def feed(websocket: WebSocket):\n    await websocket.accept()\n    await websocket.send_json(orders)\n",
	Good:   head + "@app.websocket(\"/ws\")\nasync def feed(websocket: WebSocket, user: User = Depends(get_current_user)):\n    await websocket.accept()\n    await websocket.send_json(orders)\n",
}

var clientIP = &analysis.Rule{
	ID: "lint/client-ip", Title: "An address decides who may call", Severity: finding.High,
	Refs:   []string{"CWE-290", "CWE-348", "V4.1.3", "RFC 7239 section 8.1"},
	Text:   "X-Forwarded-For is a text that any client sends. And behind a proxy on the same host, request.client is 127.0.0.1 for everybody.",
	Fix:    "Authenticate. Where an address must count, let the outermost proxy overwrite the header, and believe it only of that proxy.",
	Pavise: "clientip",
	Bad:    head + "@app.get(\"/metrics\")\ndef metrics(request: Request):\n    if request.headers.get(\"X-Forwarded-For\") != \"127.0.0.1\":\n        raise HTTPException(403)\n    return collect()\n",
	Good:   head + "@app.get(\"/metrics\")\ndef metrics(request: Request, user: User = Depends(get_current_user)):\n    log.info(\"asked from %s\", request.client.host)\n    return collect()\n",
}

var headerIdentity = &analysis.Rule{
	ID: "lint/header-identity", Title: "A header says who calls", Severity: finding.High,
	Refs:   []string{"CWE-290", "CWE-287", "API2", "V4.1.3"},
	Text:   "A plain header such as X-User-Id or X-Role is what the client wrote: it names any user, and any role.",
	Fix:    "Verify a token. Where a proxy in front sets the header, have it remove what clients send, and prove itself with a secret of its own.",
	Pavise: "wire", // the gateway removes what only it may set
	Bad:    "from fastapi import FastAPI, Header\n\napp = FastAPI()\n\n\n@app.get(\"/me\")\ndef me(x_user_id: int = Header()):\n    return load(x_user_id)\n",
	Good:   "from fastapi import FastAPI, Header\n\napp = FastAPI()\n\n\n@app.get(\"/me\")\ndef me(x_request_id: str = Header()):\n    return load(x_request_id)\n",
}

var sideEffect = &analysis.Rule{
	ID: "lint/get-side-effect", Title: "GET changes something", Severity: finding.Medium,
	Refs: []string{"CWE-650", "CWE-352", "V3.5.3", "RFC 9110 section 9.2.1"},
	Text: "Browsers, crawlers and caches fetch links ahead and again, and an image on any page makes a user's browser fetch one, with its cookies.",
	Fix:  "Use POST, PUT, PATCH or DELETE.",
	Bad:  head + "@app.get(\"/orders/{order_id}/delete\")\ndef delete_order(order_id: int, user: User = Depends(get_current_user), db=Depends(get_db)):\n    db.query(Order).filter(Order.id == order_id, Order.owner_id == user.id).delete()\n    db.commit()\n",
	Good: head + "@app.delete(\"/orders/{order_id}\")\ndef delete_order(order_id: int, user: User = Depends(get_current_user), db=Depends(get_db)):\n    db.query(Order).filter(Order.id == order_id, Order.owner_id == user.id).delete()\n    db.commit()\n",
}

var race = &analysis.Rule{
	ID: "lint/check-then-act", Title: "An amount is checked, and changed later", Severity: finding.Low,
	Refs: []string{"CWE-367", "CWE-362", "API6", "V2.3.4", "V15.4.2"},
	Text: "Two requests at once both pass the check before either has written: the balance is spent twice, the last item sold twice.",
	Fix:  "Read with with_for_update(), or change in one statement: update … set balance = balance - x where balance >= x, and count the rows.",
	Bad:  "def pay(db, account_id, amount):\n    account = db.get(Account, account_id)\n    if account.balance < amount:\n        raise ValueError\n    account.balance -= amount\n    db.commit()\n",
	Good: "def pay(db, account_id, amount):\n    account = db.get(Account, account_id, with_for_update=True)\n    if account.balance < amount:\n        raise ValueError\n    account.balance -= amount\n    db.commit()\n",
}

var webSocketOrigin = &analysis.Rule{
	ID: "lint/websocket-origin", Title: "A WebSocket opens for pages of other sites, with the user's cookie", Severity: finding.Medium,
	Refs:   []string{"CWE-1385", "CWE-346", "V4.4.2", "RFC 6455 section 10.2"},
	Text:   "CORS does not hold for WebSockets: any page that the user visits connects, the browser adds the cookie, and the page reads what comes.",
	Fix:    "Compare the Origin header with a list before accept(), or ask for a token in the first message instead of the cookie.",
	Pavise: "origins", Guard: "origins",
	Bad:  head + "@app.websocket(\"/feed\")\nasync def feed(ws: WebSocket):\n    user = user_of(ws.cookies.get(\"session\"))\n    if user is None:\n        return await ws.close(4401)\n    await ws.accept()\n    await ws.send_json(news(user))\n",
	Good: head + "@app.websocket(\"/feed\")\nasync def feed(ws: WebSocket):\n    user = user_of(ws.cookies.get(\"session\"))\n    if user is None or ws.headers.get(\"origin\") not in ORIGINS:\n        return await ws.close(4401)\n    await ws.accept()\n    await ws.send_json(news(user))\n",
}

var decoratorOrder = &analysis.Rule{
	ID: "lint/decorator-order", Title: "A decorator that guards stands above the route", Severity: finding.High,
	Refs:   []string{"CWE-862", "CWE-696", "API5", "V8.2.1"},
	Text:   "Decorators are applied from the lowest up: @app.post registers the function that it gets, and what wraps it afterwards is never called by a request.",
	Fix:    "Put the decorator below that of the route, or make it a dependency: dependencies=[Depends(…)].",
	Pavise: "probe/function-level",
	Bad:    head + "def staff_only(handler):\n    def guarded(*args, user, **kwargs):\n        if not user.is_staff:\n            raise HTTPException(403)\n        return handler(*args, user=user, **kwargs)\n\n    return guarded\n\n\n@staff_only\n@app.post(\"/reindex\")\ndef reindex(user: User = Depends(get_current_user)):\n    start_reindex()\n",
	Good:   head + "def staff_only(handler):\n    def guarded(*args, user, **kwargs):\n        if not user.is_staff:\n            raise HTTPException(403)\n        return handler(*args, user=user, **kwargs)\n\n    return guarded\n\n\n@app.post(\"/reindex\")\n@staff_only\ndef reindex(user: User = Depends(get_current_user)):\n    start_reindex()\n",
}

var signatureOptional = &analysis.Rule{
	ID: "lint/signature-optional", Title: "A signature is verified only where it is sent", Severity: finding.High,
	Refs: []string{"CWE-347", "CWE-636", "API2", "V4.1.5", "V16.5.3"},
	Text: "A message that is signed wrongly is refused, and one that is not signed is believed: whoever forges one leaves the header out.",
	Fix:  "Refuse what has no signature as what has a wrong one: if not signature or not compare_digest(…): raise.",
	Bad:  "import hmac\n\nfrom fastapi import FastAPI, HTTPException, Request\n\napp = FastAPI()\n\n\n@app.post(\"/hooks/paid\")\nasync def paid(request: Request):\n    signature = request.headers.get(\"X-Signature\")\n    if signature and not hmac.compare_digest(signature, expected(await request.body())):\n        raise HTTPException(401)\n    await settle(await request.json())\n",
	Good: "import hmac\n\nfrom fastapi import FastAPI, HTTPException, Request\n\napp = FastAPI()\n\n\n@app.post(\"/hooks/paid\")\nasync def paid(request: Request):\n    signature = request.headers.get(\"X-Signature\")\n    if not signature or not hmac.compare_digest(signature, expected(await request.body())):\n        raise HTTPException(401)\n    await settle(await request.json())\n",
}

var defaultAllow = &analysis.Rule{
	ID: "lint/default-allow", Title: "What no rule is written for is allowed", Severity: finding.Medium,
	Refs:   []string{"CWE-636", "CWE-639", "API1", "API5", "V8.2.2"},
	Text:   "A table says for each action whose objects it is for, and an action that is not in it is anybody's: one that was forgotten, or came later, has no owner.",
	Fix:    "Refuse by default: RULES[action], or a default that is False.",
	Pavise: "probe/bola-read",
	Bad:    "def owns(user, row):\n    return row.owner_id == user.id\n\n\nRULES = {\"delete\": owns, \"read\": owns}\n\n\ndef may(action, user, row):\n    return RULES.get(action, lambda user, row: True)(user, row)\n",
	Good:   "def owns(user, row):\n    return row.owner_id == user.id\n\n\nRULES = {\"delete\": owns, \"read\": owns}\n\n\ndef may(action, user, row):\n    return RULES.get(action, lambda user, row: False)(user, row)\n",
}
