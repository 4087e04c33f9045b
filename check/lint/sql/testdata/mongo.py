from typing import Any

from bson import ObjectId
from fastapi import Body, Depends, FastAPI, Request
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

app = FastAPI()
db = AsyncIOMotorClient("mongodb://localhost").app
users = db["users"]


class Login(BaseModel):
    name: str
    password: str


class Loose(BaseModel):
    name: Any
    password: str
    more: dict


async def repository():
    return db.users


async def lookup(name):
    return await users.find_one({"name": name})  # want "lint/nosql-injection"


async def strict(name: str):
    return await users.find_one({"name": name})  # ok "lint/nosql-injection"


@app.post("/json")
async def json(request: Request):
    data = await request.json()
    return await users.find_one({"name": data["name"], "password": data.get("password")})  # want "lint/nosql-injection"


@app.post("/whole")
async def whole(filter: dict):
    return await users.find(filter).to_list(10)  # want "lint/nosql-injection: filter"


@app.post("/loose")
async def loose(body: Loose):
    query = {"name": body.name}
    return await users.find_one(query)  # want "lint/nosql-injection"


@app.post("/dump")
async def dump(body: Loose, ok: Login):
    await users.find_one(ok.model_dump())  # ok "lint/nosql-injection"
    return await db.users.delete_many(body.model_dump())  # want "lint/nosql-injection"


@app.post("/model")
async def model(body: Login):
    return await users.find_one({"name": body.name, "password": body.password})  # ok "lint/nosql-injection"


@app.post("/eq")
async def eq(body: dict = Body(...)):
    await users.find_one({"name": {"$eq": body["name"]}})  # ok "lint/nosql-injection"
    await users.find_one({"name": str(body["name"])})  # ok "lint/nosql-injection"
    await users.find_one({"_id": ObjectId(body["id"])})  # ok "lint/nosql-injection"
    await users.update_one({"_id": 1}, {"$set": {"name": body["name"]}})  # ok "lint/nosql-injection"


@app.get("/where")
async def where(q: str):
    return await users.find({"$where": f"this.name == '{q}'"}).to_list(5)  # want "lint/nosql-injection"


@app.get("/query")
async def query(request: Request, name, repo=Depends(repository)):
    await repo.find_one({"name": request.query_params["name"]})  # ok "lint/nosql-injection"
    await repo.find_one({"name": name})  # ok "lint/nosql-injection"
    return "a text".find(name)


@app.post("/pipeline")
async def pipeline(request: Request):
    stages = (await request.json())["pipeline"]
    return await users.aggregate(stages).to_list(5)  # want "lint/nosql-injection"


@app.post("/match")
async def match(body: dict):
    await strict(body["name"])
    await lookup(body["name"])
    return await users.aggregate([{"$match": {"name": body["name"]}}]).to_list(5)  # want "lint/nosql-injection"
