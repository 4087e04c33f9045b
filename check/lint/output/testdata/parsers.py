import re
import xml.etree.ElementTree as ET
import xml.sax
from xml.dom import minidom
from typing import Annotated

import lxml.etree
from fastapi import FastAPI, Query, Request, UploadFile
from lxml import etree
from pydantic import BaseModel, Field, constr, field_validator

app = FastAPI()
EMAIL = re.compile(r"^([a-zA-Z0-9._-]+)+@([a-zA-Z0-9-]+)+\.com$")
NAME = re.compile(r"^[a-z]+(-[a-z]+)*$")
SLOW = r"^(\d+)*$"


@app.post("/a")
async def a(request: Request):
    body = await request.body()
    root = ET.fromstring(body)  # want "lint/xxe: xml.etree.ElementTree expands"
    minidom.parseString(body.decode())  # want "lint/xxe: xml.dom.minidom"
    xml.sax.parseString(body, handler)  # want "lint/xxe"
    parser = lxml.etree.XMLParser(no_network=False)  # want "lint/xxe: the parser is made with no_network=False"
    etree.fromstring(body, parser)
    etree.fromstring(body)  # want "lint/xxe: lxml before 5"
    loose = etree.XMLParser(load_dtd=True, resolve_entities=True)  # want "lint/xxe: the parser is made with resolve_entities=True"
    return etree.parse(body, parser=loose)


@app.post("/b")
async def b(file: UploadFile):
    ET.parse(file.file)  # want "lint/xxe"
    strict = etree.XMLParser(resolve_entities=False, no_network=True)  # ok "lint/xxe"
    etree.fromstring(await file.read(), parser=strict)  # ok "lint/xxe"
    ET.parse("config.xml")  # ok "lint/xxe"


def sax():
    p = xml.sax.make_parser()
    p.setFeature(xml.sax.handler.feature_external_ges, True)  # want "lint/xxe: the parser is told"
    p.setFeature(xml.sax.handler.feature_external_ges, False)  # ok "lint/xxe"


@app.get("/c")
def c(email: str, n: int, pattern: str):
    if not EMAIL.match(email):  # want "lint/redos: ("
        return {}
    re.fullmatch(SLOW, email)  # want "lint/redos"
    re.compile(pattern)  # want "lint/redos: the pattern is text of the request"
    re.search(re.escape(pattern), email)  # ok "lint/redos"
    EMAIL.match(str(n))  # ok "lint/redos"
    return NAME.match(email)  # ok "lint/redos"


def strong(text):
    return re.search(r"(a|aa)+$", text)  # want "lint/redos"


class Account(BaseModel):
    name: str
    phone: str = Field(pattern=r"^(\d+-?)+$")  # want "lint/redos: "
    code: constr(pattern=r"^\d{4}$")  # ok "lint/redos"

    @field_validator("name")
    @classmethod
    def check(cls, v):
        if not re.match(r"^(\s*\w+\s*)+$", v):  # want "lint/redos"
            raise ValueError("no name")
        return strong(v)


@app.get("/d")
def d(q: Annotated[str, Query(pattern="^(a|b|ab)*c$")]):  # want "lint/redos"
    for row in rows():
        re.match(SLOW, row.text)  # ok "lint/redos"
