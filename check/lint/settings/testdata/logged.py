import logging

import structlog
from fastapi import Depends, FastAPI, Request
from loguru import logger as loguru
from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings

app = FastAPI()
log = structlog.get_logger()
logger = logging.getLogger(__name__)


class Settings(BaseSettings):
    jwt_secret: SecretStr
    smtp_password: str  # want "lint/setting-plain-secret"


class Login(BaseModel):
    username: str
    password: str


class Safe(BaseModel):
    username: str
    password: SecretStr


settings = Settings()


@app.post("/login")
async def login(body: Login, safe: Safe, request: Request, token: str):
    logger.info(f"login of {body.username} with {body.password}")  # want "lint/secret-logged: body.password"
    logger.debug("token %s", token)  # want "lint/secret-logged: token"
    print("token:", token)  # want "lint/secret-logged"
    logger.info("login " + body.password)  # want "lint/secret-logged"
    logger.info("login {}".format(token))  # want "lint/secret-logged"
    logger.info("body %s", body)  # want "lint/secret-logged: password of body"
    logger.info(f"{body.model_dump()}")  # want "lint/secret-logged: password of body"
    logger.info("headers %s", dict(request.headers))  # want "lint/secret-logged: request.headers"
    logger.info("auth %s", request.headers.get("Authorization"))  # want "lint/secret-logged"
    log.info("login", username=body.username, password=body.password)  # want "lint/secret-logged"
    log.bind(user=1).warning("login", access_token=token)  # want "lint/secret-logged"
    loguru.info("secret {}", settings.jwt_secret.get_secret_value())  # want "lint/secret-logged: the value of a secret"
    logging.error("smtp %s", settings.smtp_password)  # want "lint/secret-logged"
    message = f"made {token}"
    logger.info(message)  # want "lint/secret-logged: token"
    logger.error("failed", extra={"token": token})  # want "lint/secret-logged"

    logger.info("password changed for %s", body.username)  # ok "lint/secret-logged"
    logger.info("a token of %d letters", len(token))  # ok "lint/secret-logged"
    logger.info("token %s…", token[:4])  # ok "lint/secret-logged"
    logger.info("has token: %s", token is not None)  # ok "lint/secret-logged"
    logger.info("secret %s", settings.jwt_secret)  # ok "lint/secret-logged"
    logger.info("body %s", safe)  # ok "lint/secret-logged"
    logger.info("body %s", body.model_dump(exclude={"password"}))  # ok "lint/secret-logged"
    logger.info("hash %s", hash_token(token))  # ok "lint/secret-logged"
    logger.info("usage", tokens=3, total_tokens=5)  # ok "lint/secret-logged"
    logger.info("agent %s", request.headers.get("user-agent"))  # ok "lint/secret-logged"
    logger.info("status %s", response.status_code)  # ok "lint/secret-logged"


def send_otp(phone: str, code: str):
    logger.info("sending %s to %s", code, phone)  # want "lint/secret-logged: code"


def failed(code: int, token_id: int, token_type: str):
    logger.info("exit %s, %s, %s", code, token_id, token_type)  # ok "lint/secret-logged"


def object_of(token: "Token"):
    logger.info("token %s", token.id)  # ok "lint/secret-logged"
