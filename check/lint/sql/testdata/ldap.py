from fastapi import FastAPI
from ldap3.utils.conv import escape_filter_chars
import ldap

from .directory import connection, parse

app = FastAPI()


@app.get("/a")
def a(region: str):
    flt = f"(&(region={region})(role=inspector))"  # want "lint/ldap-injection: region is part of the filter"
    return parse(flt)


@app.get("/b")
def b(name: str):
    return connection.search_s("ou=people", ldap.SCOPE_SUBTREE, "(uid=%s)" % name)  # want "lint/ldap-injection"


@app.get("/c")
def c(name: str):
    connection.search("ou=people", search_filter="(cn=*{}*)".format(name))  # want "lint/ldap-injection"


@app.get("/d")
def d(name: str):
    name = escape_filter_chars(name)
    return parse(f"(&(objectClass=person)(uid={name}))")  # ok "lint/ldap-injection"


@app.get("/e")
def e(number: int):
    return parse(f"(&(objectClass=person)(number={number}))")  # ok "lint/ldap-injection"


@app.get("/f")
def f(name: str):
    return f"(name={name})"  # ok "lint/ldap-injection"
