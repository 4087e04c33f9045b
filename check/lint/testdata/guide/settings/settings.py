"""Settings by pydantic, with defaults that production keeps."""

import logging

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

log = logging.getLogger(__name__)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env")

    debug: bool = False
    database_password: str  # want "lint/setting-plain-secret"
    secret_key: SecretStr = SecretStr("Winter-2024-q7-zA")  # want "lint/setting-default-secret"
    jwt_secret: str = Field(default="Summer-2024-q7-zA")  # want "lint/setting-default-secret"


settings = Settings()
log.info("signed with %s", settings.secret_key.get_secret_value())  # want "lint/secret-logged"
