import io
import os
import shutil
import tempfile
import uuid
import zipfile
from pathlib import Path
from typing import Literal

import aiofiles
import pandas as pd
from fastapi import APIRouter, Depends, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel
from werkzeug.utils import secure_filename

router = APIRouter()
BASE = Path("data").resolve()
UPLOADS = "uploads"
TEMPLATES = {"a": "a.html", "b": "b.html"}


class Report(BaseModel):
    name: str
    year: int


def target(name: str) -> Path:
    return BASE / name


def safe_path(name: str) -> Path:
    path = (BASE / name).resolve()
    if BASE not in path.parents:
        raise HTTPException(404)
    return path


@router.get("/open/{name}")
def opened(name: str):
    with open(os.path.join("data", name)) as f:  # want "lint/path-traversal: name is part of the path; it holds no slash"
        return f.read()


@router.get("/plus/{path:path}")
def plus(path: str):
    return FileResponse("data/" + path)  # want "lint/path-traversal"


@router.get("/pathlib")
def pathlib(name: str):
    path = BASE / name
    if not path.exists():
        raise HTTPException(404)
    return path.read_text()  # want "lint/path-traversal"


@router.get("/joined")
async def joined(name: str):
    async with aiofiles.open(BASE.joinpath(name), "rb") as f:  # want "lint/path-traversal"
        return await f.read()


@router.get("/inline")
def inline(name: str):
    return (BASE / f"{name}.txt").read_bytes()  # want "lint/path-traversal"


@router.post("/report")
def report(body: Report):
    return Path(f"reports/{body.year}/{body.name}.pdf").read_bytes()  # want "lint/path-traversal: body.name"


@router.post("/report-year")
def report_year(body: Report):
    return Path(f"reports/{body.year}.pdf").read_bytes()  # ok "lint/path-traversal"


@router.delete("/files/{name}")
def remove(name: str):
    os.remove(f"{UPLOADS}/{name}")  # want "lint/path-traversal"


@router.get("/normal")
def normal(name: str):
    path = os.path.normpath(os.path.join(UPLOADS, name))
    return FileResponse(path)  # want "lint/path-traversal"


@router.get("/helper")
def helper(name: str):
    return FileResponse(target(name))  # want "lint/path-traversal"


@router.get("/helper-good")
def helper_good(name: str):
    return FileResponse(safe_path(name))  # ok "lint/path-traversal"


@router.get("/request")
async def request(request: Request):
    name = request.query_params["name"]
    shutil.copy(f"{UPLOADS}/{name}", "/tmp/copy")  # want "lint/path-traversal"


@router.get("/base")
def base(name: str):
    return FileResponse(os.path.join(UPLOADS, os.path.basename(name)))  # ok "lint/path-traversal"


@router.get("/name")
def only_name(name: str):
    return FileResponse(BASE / Path(name).name)  # ok "lint/path-traversal"


@router.get("/secure")
def secure(name: str):
    name = secure_filename(name)
    return FileResponse(BASE / name)  # ok "lint/path-traversal"


@router.get("/real")
def real(name: str):
    path = os.path.realpath(os.path.join(UPLOADS, name))
    if not path.startswith(os.path.realpath(UPLOADS) + os.sep):
        raise HTTPException(404)
    return FileResponse(path)  # ok "lint/path-traversal"


@router.get("/common")
def common(name: str):
    path = os.path.abspath(os.path.join(UPLOADS, name))
    if os.path.commonpath([path, UPLOADS]) != UPLOADS:
        raise HTTPException(404)
    return open(path).read()  # ok "lint/path-traversal"


@router.get("/dots")
def dots(name: str):
    if ".." in name or name.startswith("/"):
        raise HTTPException(400)
    return open(f"{UPLOADS}/{name}").read()  # ok "lint/path-traversal"


@router.get("/table")
def table(name: str, kind: Literal["x", "y"], item: int):
    open(TEMPLATES[name])  # ok "lint/path-traversal"
    open(TEMPLATES.get(name, "a.html"))  # ok "lint/path-traversal"
    if name in TEMPLATES:
        open(f"templates/{name}.html")  # ok "lint/path-traversal"
    return open(f"data/{kind}-{item}").read()  # ok "lint/path-traversal"


@router.post("/upload")
async def upload(file: UploadFile = File(...)):
    path = os.path.join(UPLOADS, file.filename)
    with open(path, "wb") as out:  # want "lint/upload-filename"
        shutil.copyfileobj(file.file, out)
    os.chmod(path, 0o777)  # want "lint/file-mode"
    return {"path": path}


@router.post("/uploads")
async def uploads(files: list[UploadFile]):
    for f in files:
        destination = BASE / f.filename
        async with aiofiles.open(destination, "wb") as out:  # want "lint/upload-filename"
            while chunk := await f.read(65536):  # ok "lint/upload-unbounded"
                await out.write(chunk)


@router.post("/prefixed")
def prefixed(file: UploadFile):
    name = f"{uuid.uuid4()}_{file.filename}"
    Path(UPLOADS, name).write_bytes(file.file.read(1000))  # want "lint/upload-filename"


def store(data, name):
    with open(UPLOADS + "/" + name, "wb") as f:  # want "lint/upload-filename"
        f.write(data)


@router.post("/stored")
def stored(file: UploadFile):
    store(file.file, file.filename)


@router.post("/ending")
def ending(file: UploadFile):
    extension = file.filename.split(".")[-1]
    suffix = Path(file.filename).suffix
    other = os.path.splitext(file.filename)[1]
    with open(f"{UPLOADS}/{uuid.uuid4()}.{extension}", "wb") as out:  # want "lint/upload-suffix"
        shutil.copyfileobj(file.file, out)
    with tempfile.NamedTemporaryFile(suffix=suffix) as out:
        shutil.copyfileobj(file.file, out)
    return open(f"{UPLOADS}/{uuid.uuid4()}{other}", "wb")  # ok "lint/upload-filename"


@router.post("/based")
def based(file: UploadFile):
    with open(BASE / os.path.basename(file.filename), "wb") as out:  # ok "lint/upload-filename"
        shutil.copyfileobj(file.file, out)


@router.post("/table-upload")
def frames(file: UploadFile):
    return pd.read_csv(file.file), pd.read_csv(io.BytesIO(file.file.read(100)))  # ok "lint/path-traversal"


def reader(name: str = Form()):
    return name


@router.post("/dependency")
def dependency(name: str = Depends(reader)):
    return FileResponse(path=f"{UPLOADS}/{name}")  # want "lint/path-traversal"


@router.post("/entries")
def entries(file: UploadFile):
    with zipfile.ZipFile(file.file) as z:
        for name in z.namelist():
            with open(os.path.join(UPLOADS, name), "wb") as out:  # want "lint/zip-slip: a name in the archive"
                out.write(z.read(name))


@router.post("/infos")
def infos(file: UploadFile):
    z = zipfile.ZipFile(file.file)
    for info in z.infolist():
        (BASE / info.filename).write_bytes(z.read(info))  # want "lint/zip-slip"


@router.post("/bytes")
def content(data: bytes = File(), extension: str = Form()):  # want "lint/upload-unbounded"
    extension = extension.replace(".", "")
    write(data, BASE / f"image.{extension}")


def write(data: bytes | Path, path: Path):
    if isinstance(data, Path):
        shutil.copy(data, path)  # ok "lint/path-traversal"
    path.write_bytes(data)  # ok "lint/path-traversal"


@router.get("/read")
def read(name: str):
    path = BASE / name
    text = path.read_text()  # want "lint/path-traversal"
    return open(text.strip()).read()  # ok "lint/path-traversal"


def folder_of(item_id: str) -> Path:
    return BASE / item_id / "images"


@router.get("/items/{item_id}/image")
def image(item_id: str):
    return FileResponse(folder_of(item_id) / "small.png")  # ok "lint/path-traversal"


@router.get("/documents/{document_id}")
def document(document_id: str):
    return FileResponse(BASE / document_id)  # want "lint/path-traversal: document_id is part of the path; it holds no slash"
