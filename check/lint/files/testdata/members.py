import io
import tarfile

from fastapi import FastAPI, UploadFile

app = FastAPI()


async def read_limited(upload: UploadFile) -> bytes:
    buffer = bytearray()
    while chunk := await upload.read(65536):
        buffer.extend(chunk)
    return bytes(buffer)


def all_members(data: bytes):
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        members = archive.getmembers()
        archive.extractall("data", members=members)  # want "lint/zip-slip: a tar that a client sent"


def itself(data: bytes):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall("data", tar)  # want "lint/zip-slip"
        tar.extractall("data", members=list(tar))  # want "lint/zip-slip"
        tar.extractall("data", members=[m for m in tar if m.isfile()])  # want "lint/zip-slip"


def chosen(data: bytes):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall("data", members=[m for m in tar.getmembers() if m.name in ("a.txt", "b.txt")])  # ok "lint/zip-slip"
        tar.extractall("data", members=tar.getmembers(), filter="data")  # ok "lint/zip-slip"
        tar.extractall("data", members=only_safe(tar))  # ok "lint/zip-slip"


@app.post("/bundle")
async def upload(bundle: UploadFile):
    data = await read_limited(bundle)
    all_members(data)
    itself(data)
    chosen(data)
