import hashlib

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel

from ..store import Upload, store

router = APIRouter(prefix="/api/uploads", tags=["uploads"])


class UploadOut(BaseModel):
    id: int
    filename: str
    content_type: str
    size: int
    sha256: str


class UploadResult(BaseModel):
    note: str
    files: list[UploadOut]


@router.post("", response_model=UploadResult, status_code=201)
async def upload(file: list[UploadFile], note: str = Form("")) -> dict:
    """Take one or more files in parts called "file"."""
    files = []
    for part in file:
        digest, size = hashlib.sha256(), 0
        while chunk := await part.read(64 * 1024):
            digest.update(chunk)
            size += len(chunk)
        files.append(store.add_upload(part.filename or "", part.content_type or "", size, digest.hexdigest()))
    return {"note": note, "files": files}


@router.get("", response_model=list[UploadOut])
def list_uploads() -> list[Upload]:
    return list(store.uploads.values())
