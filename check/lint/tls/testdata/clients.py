import os
import smtplib
import ssl
from functools import partial
from ssl import PROTOCOL_TLSv1_1

import aiohttp
import httpx
import redis
import requests
import urllib3
from elasticsearch import Elasticsearch
from pymongo import MongoClient

from .settings import settings

VERIFY = False
OPTIONS = {"verify": False, "timeout": 5}
CONFIG = {"tls": {"verify": False}, "verify": False}
ssl._create_default_https_context = ssl._create_unverified_context  # want "lint/tls-verify-off: nothing"
os.environ["PYTHONHTTPSVERIFY"] = "0"  # want "lint/tls-verify-off"
os.environ["CURL_CA_BUNDLE"] = ""  # want "lint/tls-verify-off"
insecure = partial(requests.get, verify=False)  # want "lint/tls-verify-off"


def constant(url):
    return requests.post(url, verify=VERIFY, timeout=5)  # want "lint/tls-verify-off"


def stars(url):
    return requests.get(url, **OPTIONS)  # want "lint/tls-verify-off" ok "lint/no-timeout"


def entry(url):
    return requests.get(url, verify=CONFIG["verify"], timeout=OPTIONS["timeout"])  # want "lint/tls-verify-off"


def session(url):
    s = requests.Session()
    s.verify = False  # want "lint/tls-verify-off: verify is set"
    return s.get(url, timeout=3)


async def client(url):
    async with httpx.AsyncClient(verify=False) as client:  # want "lint/tls-verify-off"
        await client.get(url)
    async with httpx.AsyncClient(verify=settings.verify) as client:  # ok "lint/tls-verify-off"
        await client.get(url)  # ok "lint/no-timeout"


class Gateway:
    def __init__(self):
        self.http = httpx.Client(verify=False)  # want "lint/tls-verify-off"
        self.session = requests.Session()
        self.session.verify = False  # want "lint/tls-verify-off"

    def call(self, url, verify=False):
        return requests.get(url, verify=verify, timeout=3)  # want "lint/tls-verify-off"

    def other(self, url, verify=True):
        return requests.get(url, verify=verify, timeout=3)  # ok "lint/tls-verify-off"


async def aio(url):
    connector = aiohttp.TCPConnector(ssl=False)  # want "lint/tls-verify-off"
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(url, ssl=False) as r:  # want "lint/tls-verify-off"
            await r.text()
        async with session.get(url, verify_ssl=False) as r:  # want "lint/tls-verify-off"
            return await r.text()


def contexts():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # want "lint/tls-verify-off"
    return context


def host_only():
    context = ssl.create_default_context()
    context.check_hostname = False  # want "lint/tls-verify-off: check_hostname"
    return context


def unverified():
    return ssl._create_unverified_context()  # want "lint/tls-verify-off"


def good():
    context = ssl.create_default_context(cafile="ca.pem")  # ok "lint/tls-verify-off" "lint/tls-old-version"
    context.verify_mode = ssl.CERT_REQUIRED  # ok "lint/tls-verify-off"
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # ok "lint/tls-old-version"
    context.set_ciphers("ECDHE+AESGCM:!aNULL:!MD5:!RC4")  # ok "lint/tls-old-version"
    return context


def stores():
    urllib3.PoolManager(cert_reqs="CERT_NONE")  # want "lint/tls-verify-off"
    redis.Redis(ssl=True, ssl_cert_reqs=None)  # want "lint/tls-verify-off"
    redis.Redis(ssl=False)  # ok "lint/tls-verify-off"
    Elasticsearch("https://es", verify_certs=False)  # want "lint/tls-verify-off"
    MongoClient("mongodb://x", tlsAllowInvalidCertificates=True)  # want "lint/tls-verify-off"
    smtplib.SMTP("mail", 25).starttls(context=ssl.create_default_context())


def here():
    return httpx.get("https://localhost:8443/health", verify=False)  # ok "lint/tls-verify-off"


def tokens(jwt, token):
    jwt.check(token, verify=False)  # ok "lint/tls-verify-off"


def versions():
    ssl.SSLContext(ssl.PROTOCOL_SSLv3)  # want "lint/tls-old-version"
    ssl.SSLContext(PROTOCOL_TLSv1_1)  # want "lint/tls-old-version"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # ok "lint/tls-old-version"
    context.minimum_version = ssl.TLSVersion.TLSv1  # want "lint/tls-old-version"
    context.set_ciphers("DEFAULT:RC4-SHA:DES-CBC3-SHA")  # want "lint/tls-old-version"


def waits(url, options):
    requests.get(url)  # want "lint/no-timeout"
    requests.request("GET", url, timeout=None)  # want "lint/no-timeout: timeout=None"
    requests.get(url, **options)  # ok "lint/no-timeout"
    with requests.Session() as s:
        s.post(url, json={})  # want "lint/no-timeout"
    httpx.get(url, timeout=None)  # want "lint/no-timeout"
    httpx.Client(timeout=httpx.Timeout(None))  # want "lint/no-timeout"
    httpx.Client(timeout=httpx.Timeout(None, connect=5))  # ok "lint/no-timeout"
    aiohttp.ClientTimeout(total=None)  # want "lint/no-timeout"
    requests.Request("GET", url)
