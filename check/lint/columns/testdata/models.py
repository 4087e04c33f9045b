from datetime import date
from typing import Optional

from sqlalchemy import JSON, Boolean, Column, Date, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, mapped_column, relationship
from sqlalchemy_utils import EncryptedType, StringEncryptedType
from sqlmodel import Field, SQLModel

from .crypto import EncryptedString, EncryptedStr

Old = declarative_base()
metadata = MetaData()


class Base(DeclarativeBase):
    pass


class Customer(Old):
    __tablename__ = "customers"
    id = Column(Integer, primary_key=True)
    tax_id = Column(String(20), index=True)  # want "lint/column-clear: Customer.tax_id is kept in the clear, like others"
    passport_number = Column("passport", Text)  # ok "lint/column-clear"


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    card_number: Mapped[Optional[str]]  # want "lint/column-clear: Payment.card_number is kept in the clear"


class Person(SQLModel, table=True):
    id: int = Field(primary_key=True)
    date_of_birth: date | None = None  # want "lint/column-clear: Person.date_of_birth"


class Link(SQLModel, table=True):
    refresh_token: str = Field(max_length=500)  # want "lint/column-clear"


class Bank(SQLModel, table=True):
    iban: str = Field(sa_column=Column(String))  # want "lint/column-clear"


class Doctor(Base):
    __tablename__ = "doctors"
    diagnosis: Mapped["str"] = mapped_column("diag", Text())  # want "lint/column-clear"


users = Table("users", metadata, Column("id", Integer), Column("ssn", String(11)))  # want "lint/column-clear: ssn"
notes = Table("notes", metadata, Column("id", Integer), Column("ssn_hash", String(64)))  # ok "lint/column-clear"


class Good(Base):
    __tablename__ = "good"
    ssn = Column(EncryptedType(String, "key"))  # ok "lint/column-clear"
    iban = Column(StringEncryptedType(Text))  # ok "lint/column-clear"
    tax_id: Mapped[str] = mapped_column(EncryptedString())  # ok "lint/column-clear"
    passport: Mapped[EncryptedStr] = mapped_column()  # ok "lint/column-clear"
    card_number_last4: Mapped[str] = mapped_column(String(4))  # ok "lint/column-clear"
    ssn_hash: Mapped[str]  # ok "lint/column-clear"
    api_key_hash: Mapped[str]  # ok "lint/column-clear"
    encrypted_iban: Mapped[str]  # ok "lint/column-clear"
    dob_verified: Mapped[bool]  # ok "lint/column-clear"
    access_token: Mapped[bytes] = mapped_column(LargeBinary)  # ok "lint/column-clear"
    access_token_expires_at: Mapped[str]  # ok "lint/column-clear"
    api_key_id: Mapped[str]  # ok "lint/column-clear"
    api_key: Mapped["Key"] = relationship()  # ok "lint/column-clear"
    token: Mapped[str]
    email: Mapped[str]


class Session(Base):
    __tablename__ = "sessions"
    access_token: Mapped[str] = mapped_column(String)  # ok "lint/column-clear"


class Schema(SQLModel):
    ssn: str  # ok "lint/column-clear"


def make(token):
    return Session(access_token=hash_token(token))


class Checkout(Base):
    __tablename__ = "checkouts"
    client_secret: Mapped[str]  # ok "lint/column-clear"


class OAuthProvider(Base):
    __tablename__ = "providers"
    client_secret: Mapped[str]  # want "lint/column-clear"
