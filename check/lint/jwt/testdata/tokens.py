import os
from datetime import datetime, timedelta

import jwt
from jose import jwt as jose

from .settings import settings

VERIFY = False
ALGORITHM = "HS256"
KEY = "not-a-good-idea"
SECRET_KEY = "said-by-another-rule"
DAYS = 400


def one(token):
    return jwt.decode(token, KEY, algorithms=["HS256"], verify=False)  # want "lint/jwt-verify-off"


def two(token):
    options = {"verify_signature": VERIFY}
    return jwt.decode(token, options=options)  # want "lint/jwt-verify-off"


def three(token):
    return jose.get_unverified_claims(token)["sub"]  # want "lint/jwt-verify-off"


def issuer(token):
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]  # ok "lint/jwt-verify-off"
    return jwt.decode(token, settings.keys[issuer], algorithms=["RS256"])  # ok "lint/jwt-verify-off" "lint/jwt-algorithms"


def old(token):
    return jwt.decode(token, settings.key, [ALGORITHM], options={"verify_exp": False})  # want "lint/jwt-claims-off: verify_exp"


def early(token):
    return jose.decode(token, settings.key, algorithms=[ALGORITHM], options={"verify_nbf": False})  # want "lint/jwt-claims-off: verify_nbf"


def audience(token):
    options = {"verify_aud": False, "verify_exp": True}
    return jose.decode(token, settings.key, algorithms=[ALGORITHM], options=options)  # ok "lint/jwt-claims-off"


def default(token):
    return jwt.decode(token, settings.key, algorithms=settings.algorithms)  # ok "lint/jwt-claims-off" "lint/jwt-algorithms"


def none(token):
    return jwt.decode(token, settings.key, algorithms=["HS256", "none"])  # want "lint/jwt-algorithms: the algorithms hold none"


def mixed(token):
    return jwt.decode(token, settings.key, algorithms=["HS256", "RS256"])  # want "lint/jwt-algorithms: the algorithms mix"


def chosen(token):
    header = jwt.get_unverified_header(token)
    return jwt.decode(token, settings.key, algorithms=[header["alg"]])  # want "lint/jwt-algorithms: the algorithm is the one"


def unsigned(data):
    return jwt.encode({"sub": data, "exp": 1}, "", algorithm="none")  # want "lint/jwt-algorithms: the token is made without" "lint/jwt-weak-key"


def literal(data):
    return jwt.encode({"sub": data, "exp": 1}, "0123456789abcdef0123456789abcdef", algorithm="HS256")  # want "lint/jwt-weak-key: the key is in the source"


def named(data):
    return jwt.encode({"sub": data, "exp": 1}, KEY, algorithm="HS256")  # want "lint/jwt-weak-key: the key is in the source, and of 15"


def elsewhere(data):
    return jwt.encode({"sub": data, "exp": 1}, SECRET_KEY)  # ok "lint/jwt-weak-key"


def environment(data):
    return jwt.encode({"sub": data, "exp": 1}, os.environ["KEY"])  # ok "lint/jwt-weak-key"


def year(data):
    expire = datetime.utcnow() + timedelta(weeks=52)  # want "lint/jwt-long-expiry: the token lives for 364 days"
    return jwt.encode({"sub": data, "exp": expire}, settings.key)


def constant(data):
    return jwt.encode({"sub": data, "exp": datetime.now() + timedelta(DAYS)}, settings.key)  # want "lint/jwt-long-expiry"


def week(data):
    return jwt.encode({"sub": data, "exp": datetime.now() + timedelta(days=7)}, settings.key)  # ok "lint/jwt-long-expiry"


def refresh_token(data):
    return jwt.encode({"sub": data, "exp": datetime.now() + timedelta(days=90)}, settings.key)  # ok "lint/jwt-long-expiry"
