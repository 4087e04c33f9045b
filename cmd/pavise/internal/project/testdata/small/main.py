"""A service in one file.

app = FastAPI()  is what a docstring may say.
"""

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, File, UploadFile, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import OAuth2PasswordBearer
from starlette.middleware.trustedhost import TrustedHostMiddleware

# app = FastAPI()
ORIGINS = [
    "https://shop.example",  # want origin https://shop.example
    "https://admin.shop.example",  # want origin https://admin.shop.example
]

oauth2 = OAuth2PasswordBearer(tokenUrl="token")  # want login POST /token end

app: FastAPI = FastAPI(title="Shop", docs_url=None, root_path="/shop")  # want app main:app in . fastapi docs off | root path /shop
admin = FastAPI()  # want app main:admin in . fastapi mounted
app.mount("/admin", admin)

app.add_middleware(
    TrustedHostMiddleware,
    allowed_hosts=["shop.example", "*.shop.example"],  # want host shop.example | host *.shop.example
)
app.add_middleware(CORSMiddleware, allow_origins=ORIGINS, allow_credentials=True)

users = APIRouter(prefix="/users")


@app.get("/login")
async def form():
    return "POST to it"


@app.post("/login")  # want login POST /login
async def login():
    return {}


@users.post(  # want upload POST /v1/users/{user}/avatar
    "/{user}/avatar",
)
async def avatar(user: str, file: UploadFile, _=Depends(oauth2)):
    return {}


@app.post("/import")  # want upload POST /import
@some.decorator(with_="arguments")
def bulk(rows: bytes = File(...)):
    return {}


@app.websocket("/ws/{room}")  # want websocket WEBSOCKET /ws/{room}
async def chat(ws: WebSocket, room: str):
    ...


@app.api_route("/auth/verify", methods=["PUT"])  # want login PUT /auth/verify
async def verify():
    ...


@admin.post("/session")  # want login POST /admin/session
async def session():
    ...


@app.post(f"/{form}/login")
async def computed():
    ...


app.include_router(users, prefix="/v1")

if __name__ == "__main__":
    uvicorn.run("main:app", host="0.0.0.0", port=8080, forwarded_allow_ips="*")  # want command uvicorn main:app host=0.0.0.0 port=8080 workers= service= | forwarded *
