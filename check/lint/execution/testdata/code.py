import ast
import base64
import importlib
import io
import json
import operator
import pickle
import string
from typing import Annotated

import joblib
import jsonpickle
import numpy as np
import pandas as pd
import torch
import yaml
from fastapi import Body, Cookie, FastAPI, File, Request, UploadFile, WebSocket
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, Template
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel
from yaml import CLoader, SafeLoader

from . import handlers

app = FastAPI()
templates = Jinja2Templates(directory="templates")
OPERATIONS = {"add": operator.add, "sub": operator.sub}
env = Environment(autoescape=True)


class Formula(BaseModel):
    text: str
    values: dict[str, int] = {}


@app.post("/formula")
def formula(body: Formula):
    exec(body.text)  # want "lint/code-execution: body.text is run"
    return eval(compile(ast.parse("1 + 1", mode="eval"), "x", "eval"))  # ok "lint/code-execution"


@app.post("/compiled")
def compiled(body: Formula):
    return eval(compile(body.text, "formula", "eval"))  # want "lint/code-execution" "lint/code-execution"


@app.websocket("/ws")
async def ws(websocket: WebSocket):
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
        await websocket.send_text(str(eval(text)))  # want "lint/code-execution"


@app.get("/table")
def table(op: str, a: int, b: int):
    return OPERATIONS[op](a, b)  # ok "lint/code-execution"


@app.get("/attr")
def attr(name: str):
    return getattr(handlers, name)()  # want "lint/code-execution: name chooses the function"


@app.get("/attr-variable")
def attr_variable(name: str):
    f = getattr(handlers, name, None)
    return f()  # want "lint/code-execution"


@app.get("/attr-checked")
def attr_checked(name: str):
    if name not in OPERATIONS:
        return None
    return getattr(operator, name)(1, 2)  # ok "lint/code-execution"


@app.get("/attr-prefix")
def attr_prefix(name: str):
    return getattr(handlers, f"handle_{name}")()  # ok "lint/code-execution"


@app.get("/globals")
def by_globals(name: str):
    return globals()[name]()  # want "lint/code-execution"


@app.get("/module")
def module(plugin: str):
    return importlib.import_module(f"plugins.{plugin}").run()  # want "lint/code-execution: plugin chooses the module"


@app.get("/literal")
def literal(value: str):
    return ast.literal_eval(value)  # ok "lint/code-execution"


@app.post("/pickle")
async def unpickle(file: UploadFile):
    return pickle.loads(await file.read())  # want "lint/unsafe-deserialization"


@app.post("/pickle-file")
def unpickle_file(file: UploadFile = File(...)):
    model = joblib.load(file.file)  # want "lint/unsafe-deserialization"
    frame = pd.read_pickle(io.BytesIO(file.file.read()))  # want "lint/unsafe-deserialization"
    return model, frame


@app.get("/cookie")
def cookie(session: Annotated[str, Cookie()]):
    return pickle.loads(base64.b64decode(session))  # want "lint/unsafe-deserialization: session"


@app.post("/json")
async def decoded(request: Request):
    body = await request.body()
    json.loads(body)  # ok "lint/unsafe-deserialization"
    return jsonpickle.decode(body)  # want "lint/unsafe-deserialization"


@app.post("/yaml")
async def loads(request: Request):
    body = await request.body()
    yaml.safe_load(body)  # ok "lint/unsafe-deserialization"
    yaml.load(body, Loader=SafeLoader)  # ok "lint/unsafe-deserialization"
    yaml.load(body, yaml.CSafeLoader)  # ok "lint/unsafe-deserialization"
    yaml.unsafe_load(body)  # want "lint/unsafe-deserialization"
    return yaml.load(body, Loader=yaml.FullLoader)  # want "lint/unsafe-deserialization"


@app.post("/weights")
def weights(file: UploadFile):
    torch.load(file.file, weights_only=True)  # ok "lint/unsafe-deserialization"
    np.load(file.file)  # ok "lint/unsafe-deserialization"
    np.load(file.file, allow_pickle=True)  # want "lint/unsafe-deserialization"
    return torch.load(file.file)  # want "lint/unsafe-deserialization"


def config(path):
    with open(path) as f:
        return yaml.load(f, Loader=CLoader)  # want "lint/unsafe-deserialization: yaml.load without"


def config_old(path):
    return yaml.load(open(path))  # want "lint/unsafe-deserialization"


def cache(redis, key):
    with open("model.pkl", "rb") as f:
        pickle.load(f)  # ok "lint/unsafe-deserialization"
    return pickle.loads(redis.get(key))  # ok "lint/unsafe-deserialization"


@app.get("/cached/{key}")
def cached(key: str):
    return cache(app.state.redis, key)


@app.get("/template")
def template(name: str, text: str = Body()):
    Template("Hello " + name).render()  # want "lint/template-injection"
    env.from_string(text).render()  # want "lint/template-injection"
    templates.env.from_string(f"<p>{name}</p>").render()  # want "lint/template-injection"
    SandboxedEnvironment().from_string(text).render()  # ok "lint/template-injection"
    env.from_string("Hello {{ name }}").render(name=name)  # ok "lint/template-injection"
    string.Template(text).substitute(name=name)  # ok "lint/template-injection"
    "Hello {}".format(name)  # ok "lint/template-injection"
    return env.get_template("page.html").render(name=name)  # ok "lint/template-injection"


def render(source, **values):
    return Environment().from_string(source).render(**values)  # want "lint/template-injection"


@app.post("/render")
def rendered(body: Formula, request: Request):
    text = body.text.format(request=request)  # want "lint/template-injection: body.text is a format"
    render(body.text)
    return text
