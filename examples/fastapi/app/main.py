"""An API as many are: it works, and nothing in it is hardened.

No security headers, open documentation, CORS for everyone, any Host, bodies
of any size and type, tokens that never expire, records that anyone may read.
What can be repaired from outside is what pavise is put in front for. What can
not, such as who may read which order, is left here to be found.
"""

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from .routers import comments, login, misc, orders, streams, uploads, users

app = FastAPI(title="Orders", version="1.0.0")
app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)

for module in (misc, login, users, orders, comments, uploads, streams):
    app.include_router(module.router)
