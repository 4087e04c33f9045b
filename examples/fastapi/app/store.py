"""The data, in memory: gone when the process ends.

Numbers are given in order and nothing holds a time, so that the same requests
get the same answers.
"""

import hashlib
import os
from dataclasses import dataclass, field
from itertools import count
from threading import Lock


@dataclass
class User:
    id: int
    email: str
    name: str
    password: str  # "salt$hash", hexadecimal


@dataclass
class Order:
    id: int
    user_id: int
    item: str
    quantity: int
    price: float
    status: str = "open"


@dataclass
class Comment:
    id: int
    order_id: int
    author: str
    text: str


@dataclass
class Upload:
    id: int
    filename: str
    content_type: str
    size: int
    sha256: str


@dataclass
class Store:
    users: dict[int, User] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    uploads: dict[int, Upload] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._ids = {name: count(1) for name in ("users", "orders", "comments", "uploads")}

    def next_id(self, table: str) -> int:
        with self._lock:
            return next(self._ids[table])

    def user_by_email(self, email: str) -> User | None:
        return next((u for u in self.users.values() if u.email == email), None)

    def add_user(self, email: str, name: str, password: str) -> User:
        user = User(self.next_id("users"), email, name, hash_password(password))
        self.users[user.id] = user
        return user

    def add_order(self, user_id: int, item: str, quantity: int, price: float) -> Order:
        order = Order(self.next_id("orders"), user_id, item, quantity, price)
        self.orders[order.id] = order
        return order

    def add_comment(self, order_id: int, author: str, text: str) -> Comment:
        comment = Comment(self.next_id("comments"), order_id, author, text)
        self.comments[comment.id] = comment
        return comment

    def add_upload(self, filename: str, content_type: str, size: int, sha256: str) -> Upload:
        upload = Upload(self.next_id("uploads"), filename, content_type, size, sha256)
        self.uploads[upload.id] = upload
        return upload


def hash_password(password: str, salt: bytes | None = None) -> str:
    salt = os.urandom(8) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000)
    return salt.hex() + "$" + digest.hex()


def verify_password(password: str, stored: str) -> bool:
    salt, _, _ = stored.partition("$")
    return hash_password(password, bytes.fromhex(salt)) == stored


def seeded() -> Store:
    s = Store()
    alice = s.add_user("alice@example.com", "Alice", "correct horse")
    bob = s.add_user("bob@example.com", "Bob", "battery staple")
    s.add_order(alice.id, "Crossbow", 1, 129.5)
    s.add_order(alice.id, "Bolts", 24, 1.25)
    s.add_order(bob.id, "Pavise", 1, 310.0)
    s.add_comment(1, "Alice", "Please wrap it well.")
    return s


store = seeded()
