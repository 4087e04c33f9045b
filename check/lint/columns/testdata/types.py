from cryptography.fernet import Fernet
from sqlalchemy import String, TypeDecorator
from sqlalchemy.types import LargeBinary, UserDefinedType


class One(TypeDecorator):
    """Encrypted."""

    impl = String
    cache_ok = True

    def __init__(self, secret_key: str, length: int = 100, *args, **kwargs):
        super().__init__(length, *args, **kwargs)
        self._key = secret_key.encode()  # want "lint/encrypted-cache-ok: secret_key of One is kept as _key"

    def process_bind_param(self, value, dialect):
        return Fernet(self._key).encrypt(value)  # want "lint/fernet-no-rotation"


class Two(TypeDecorator):
    impl = LargeBinary
    cache_ok: bool = True

    def __init__(self, ring, column):
        super().__init__()
        self.ring = ring
        self.associated = column.encode()  # want "lint/encrypted-cache-ok: column of Two"

    def process_result_value(self, value, dialect):
        return self.ring.decrypt(value, self.associated)


class Kept(TypeDecorator):
    impl = String
    cache_ok = True

    def __init__(self, key, length=10):
        self.key = key
        self._fernet = Fernet(key)  # ok "lint/encrypted-cache-ok"
        super().__init__(length)


class NotCached(TypeDecorator):
    impl = String
    cache_ok = False

    def __init__(self, key):
        self._fernet = Fernet(key)  # ok "lint/encrypted-cache-ok"


class NoKey(TypeDecorator):
    impl = String
    cache_ok = True

    def __init__(self, separator=","):
        self._separator = separator  # ok "lint/encrypted-cache-ok"


class NoInit(TypeDecorator):
    impl = String
    cache_ok = True  # ok "lint/encrypted-cache-ok"

    def process_bind_param(self, value, dialect):
        return fernet.encrypt(value)
