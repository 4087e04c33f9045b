import os

import uvicorn
from fastapi import FastAPI
from flask import Flask
from pydantic import Field
from pydantic_settings import BaseSettings
from starlette.applications import Starlette

VERBOSE = True


class Service(FastAPI):
    pass


class Settings(BaseSettings):
    debug: bool = True  # want "lint/debug-on"
    sql_debug: bool = Field(default=True)  # want "lint/debug-on"
    debug_level: int = 0  # ok "lint/debug-on"
    log_debug: bool = False  # ok "lint/debug-on"


settings = Settings()

a = Starlette(debug=True)  # want "lint/debug-on: debug=True"
b = FastAPI(title="b", debug=VERBOSE)  # want "lint/debug-on"
c = Service(debug=not False)  # want "lint/debug-on"
d = FastAPI(debug=settings.debug)  # ok "lint/debug-on"
e = FastAPI(debug=bool(os.getenv("DEBUG")))  # ok "lint/debug-on"
a.debug = True  # want "lint/debug-on"
flask = Flask(__name__)

if __name__ == "__main__":
    flask.run(debug=True)  # want "lint/debug-on"
    uvicorn.run(d, debug=False)  # ok "lint/debug-on"
    print("tracing", debug=True)  # ok "lint/debug-on"
