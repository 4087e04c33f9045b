"""Columns that are encrypted, and columns that were forgotten."""

from cryptography.fernet import Fernet
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base
from sqlalchemy.types import TypeDecorator

Base = declarative_base()
KEY = Fernet.generate_key()  # want "lint/fernet-generated-key"


class EncryptedString(TypeDecorator):
    impl = String
    cache_ok = True

    # want+3 "lint/encrypted-cache-ok" "lint/fernet-no-rotation"
    def __init__(self, key: bytes = KEY, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._fernet = Fernet(key)

    def process_bind_param(self, value, dialect):
        return value and self._fernet.encrypt(value.encode()).decode()

    def process_result_value(self, value, dialect):
        return value and self._fernet.decrypt(value.encode()).decode()


class Person(Base):
    __tablename__ = "people"
    id = Column(Integer, primary_key=True)
    name = Column(String(100))
    ssn = Column(EncryptedString())
    tax_id = Column(String(20))  # want "lint/column-clear"
