package files

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var traversal = &analysis.Rule{
	ID: "lint/path-traversal", Title: "A client chooses which file is used", Severity: finding.High,
	Refs: []string{"CWE-22", "V5.3.2"},
	Text: "A name with ../ in it, or one that begins with a slash, is of any file that the application can reach.",
	Fix:  "Look the name up in a table, or resolve the path and refuse what is not below the folder: path.resolve().is_relative_to(folder).",
	Bad:  "from fastapi import FastAPI\nfrom fastapi.responses import FileResponse\n\napp = FastAPI()\n\n\n@app.get(\"/files\")\ndef download(name: str):\n    return FileResponse(f\"files/{name}\")\n",
	Good: "from pathlib import Path\n\nfrom fastapi import FastAPI, HTTPException\nfrom fastapi.responses import FileResponse\n\napp = FastAPI()\nFILES = Path(\"files\").resolve()\n\n\n@app.get(\"/files\")\ndef download(name: str):\n    path = (FILES / name).resolve()\n    if not path.is_relative_to(FILES):\n        raise HTTPException(404)\n    return FileResponse(path)\n",
}

var filename = &analysis.Rule{
	ID: "lint/upload-filename", Title: "An upload is stored under the name that the client gave", Severity: finding.High,
	Refs: []string{"CWE-22", "CWE-434", "V5.3.2"},
	Text: "The name may be ../main.py, or that of another's file, or end in .html and be served as a page of ours.",
	Fix:  "Make the name yourself: uuid4().hex and an ending from a list. Keep theirs as a text beside it.",
	Bad:  "import shutil\n\nfrom fastapi import FastAPI, UploadFile\n\napp = FastAPI()\n\n\n@app.post(\"/files\")\ndef upload(file: UploadFile):\n    with open(f\"files/{file.filename}\", \"wb\") as out:\n        shutil.copyfileobj(file.file, out)\n",
	Good: "import shutil\nimport uuid\n\nfrom fastapi import FastAPI, UploadFile\n\napp = FastAPI()\n\n\n@app.post(\"/files\")\ndef upload(file: UploadFile):\n    with open(f\"files/{uuid.uuid4().hex}\", \"wb\") as out:\n        shutil.copyfileobj(file.file, out)\n",
}

var suffix = &analysis.Rule{
	ID: "lint/upload-suffix", Title: "An upload is served as what the client called it", Severity: finding.Medium,
	Refs: []string{"CWE-434", "CWE-79", "V3.2.1", "V5.2.2"},
	Text: "The name is made here and its ending is the client's: .html or .svg is a page of ours, with scripts, to whoever opens the link.",
	Fix:  "Take the ending from a list, by what the first bytes say, or store without one; serve uploads from a host of their own, or as attachments with nosniff.",
	Bad:  "import uuid\nfrom pathlib import Path\n\nfrom fastapi import FastAPI, UploadFile\nfrom fastapi.staticfiles import StaticFiles\n\napp = FastAPI()\napp.mount(\"/media\", StaticFiles(directory=\"media\"))\n\n\n@app.post(\"/avatar\")\ndef upload(file: UploadFile):\n    name = f\"{uuid.uuid4().hex}{Path(file.filename or '').suffix}\"\n    with open(f\"media/{name}\", \"wb\") as out:\n        out.write(file.file.read(1_000_000))\n    return {\"url\": f\"/media/{name}\"}\n",
	Good: "import uuid\nfrom pathlib import Path\n\nfrom fastapi import FastAPI, HTTPException, UploadFile\nfrom fastapi.staticfiles import StaticFiles\n\napp = FastAPI()\napp.mount(\"/media\", StaticFiles(directory=\"media\"))\n\n\n@app.post(\"/avatar\")\ndef upload(file: UploadFile):\n    suffix = Path(file.filename or \"\").suffix\n    if suffix not in (\".png\", \".jpg\"):\n        raise HTTPException(415)\n    name = f\"{uuid.uuid4().hex}{suffix}\"\n    with open(f\"media/{name}\", \"wb\") as out:\n        out.write(file.file.read(1_000_000))\n    return {\"url\": f\"/media/{name}\"}\n",
}

var unbounded = &analysis.Rule{
	ID: "lint/upload-unbounded", Title: "A whole upload is read into memory", Severity: finding.Medium,
	Refs:   []string{"CWE-770", "CWE-400", "API4", "V5.2.1"},
	Text:   "Neither FastAPI nor uvicorn bounds a body: one request of some gigabytes ends the process.",
	Fix:    "Bound bodies in front of the application, or read pieces, file.read(65536), and stop at a limit.",
	Pavise: "limits", Guard: "limits",
	Bad:  "from fastapi import FastAPI, UploadFile\n\napp = FastAPI()\n\n\n@app.post(\"/files\")\nasync def upload(file: UploadFile):\n    return len(await file.read())\n",
	Good: "from fastapi import FastAPI, HTTPException, UploadFile\n\napp = FastAPI()\n\n\n@app.post(\"/files\")\nasync def upload(file: UploadFile):\n    data = await file.read(1_000_001)\n    if len(data) > 1_000_000:\n        raise HTTPException(413)\n    return len(data)\n",
}

var contentType = &analysis.Rule{
	ID: "lint/upload-type", Title: "What an upload is, the client says", Severity: finding.Low,
	Refs: []string{"CWE-434", "CWE-646", "V5.2.2"},
	Text: "content_type is a header of the request: a page with scripts comes as image/png.",
	Fix:  "Look at the first bytes, or decode the image; serve uploads as attachments, with nosniff.",
	Bad:  "from fastapi import FastAPI, HTTPException, UploadFile\n\napp = FastAPI()\n\n\n@app.post(\"/images\")\nasync def upload(file: UploadFile):\n    if file.content_type not in (\"image/png\", \"image/jpeg\"):\n        raise HTTPException(415)\n    store(file.file)\n",
	Good: "from fastapi import FastAPI, HTTPException, UploadFile\nfrom PIL import Image\n\napp = FastAPI()\n\n\n@app.post(\"/images\")\nasync def upload(file: UploadFile):\n    if file.content_type not in (\"image/png\", \"image/jpeg\"):\n        raise HTTPException(415)\n    Image.open(file.file).verify()\n    store(file.file)\n",
}

var staticRoot = &analysis.Rule{
	ID: "lint/static-root", Title: "The application's own folder is served", Severity: finding.High,
	Refs: []string{"CWE-538", "CWE-552", "V13.4.1", "V13.4.7"},
	Text: "Everybody reads the source, .env, and the database, when it is a file.",
	Fix:  "Serve a folder that holds nothing else: StaticFiles(directory=\"static\").",
	Bad:  "from fastapi import FastAPI\nfrom fastapi.staticfiles import StaticFiles\n\napp = FastAPI()\napp.mount(\"/static\", StaticFiles(directory=\".\"))\n",
	Good: "from fastapi import FastAPI\nfrom fastapi.staticfiles import StaticFiles\n\napp = FastAPI()\napp.mount(\"/static\", StaticFiles(directory=\"static\"))\n",
}

var zipSlip = &analysis.Rule{
	ID: "lint/zip-slip", Title: "An archive says where its files are written", Severity: finding.High,
	Refs: []string{"CWE-22", "CWE-409", "V5.2.3", "V5.3.3", "PEP 706"},
	Text: "An entry named ../../app/main.py, or a link that leads out of the folder, replaces files of the application.",
	Fix:  "tarfile: extractall(folder, filter=\"data\"). Of a zip, use extractall, which drops .. from names, after adding up the sizes in infolist().",
	Bad:  "import tarfile\n\nfrom fastapi import FastAPI, UploadFile\n\napp = FastAPI()\n\n\n@app.post(\"/import\")\ndef unpack(file: UploadFile):\n    with tarfile.open(fileobj=file.file) as tar:\n        tar.extractall(\"data\")\n",
	Good: "import tarfile\n\nfrom fastapi import FastAPI, UploadFile\n\napp = FastAPI()\n\n\n@app.post(\"/import\")\ndef unpack(file: UploadFile):\n    with tarfile.open(fileobj=file.file) as tar:\n        tar.extractall(\"data\", filter=\"data\")\n",
}

var mktemp = &analysis.Rule{
	ID: "lint/mktemp", Title: "A temporary file is named before it is made", Severity: finding.Medium,
	Refs: []string{"CWE-377", "CWE-367"},
	Text: "Between the two, another user of the machine makes a file or a link of that name.",
	Fix:  "Use tempfile.NamedTemporaryFile, mkstemp or TemporaryDirectory, which make it at once.",
	Bad:  "import tempfile\n\n\ndef work():\n    return open(tempfile.mktemp(), \"w\")\n",
	Good: "import tempfile\n\n\ndef work():\n    return tempfile.NamedTemporaryFile(\"w\")\n",
}

var fileMode = &analysis.Rule{
	ID: "lint/file-mode", Title: "Everybody on the machine may write a file", Severity: finding.Low,
	Refs: []string{"CWE-732", "CWE-276"},
	Text: "Another user, or another service that was broken into, changes what the application reads or runs.",
	Fix:  "Give 0o600 to files, 0o700 to folders and programs.",
	Bad:  "import os\n\nos.chmod(\"data\", 0o777)\n",
	Good: "import os\n\nos.chmod(\"data\", 0o750)\n",
}

var inline = &analysis.Rule{
	ID: "lint/upload-inline", Title: "An upload is served as the type that its sender named", Severity: finding.Medium,
	Refs:   []string{"CWE-434", "CWE-79", "V3.2.1", "V5.2.2"},
	Text:   "Who uploads a page as text/html, or a drawing with scripts as image/svg+xml, has it run as a page of ours with whoever opens the link; nosniff changes nothing of that.",
	Fix:    "Keep a type from a list only, or serve as an attachment, or with Content-Security-Policy: sandbox.",
	Pavise: "probe/upload-type",
	Bad:    rows + "@app.post(\"/files\")\ndef upload(file: UploadFile, db=Depends(get_db)):\n    db.add(Document(key=save(file), content_type=file.content_type))\n\n\n@app.get(\"/files/{key}\")\ndef download(key: str, db=Depends(get_db)):\n    found = db.get(Document, key)\n    return Response(load(key), media_type=found.content_type)\n",
	Good:   rows + "@app.post(\"/files\")\ndef upload(file: UploadFile, db=Depends(get_db)):\n    db.add(Document(key=save(file), content_type=file.content_type))\n\n\n@app.get(\"/files/{key}\")\ndef download(key: str, db=Depends(get_db)):\n    found = db.get(Document, key)\n    return Response(load(key), media_type=found.content_type, headers={\"Content-Disposition\": \"attachment\"})\n",
}

const rows = `from fastapi import Depends, FastAPI, Response, UploadFile
from sqlalchemy.orm import DeclarativeBase, Mapped

from .db import get_db, load, save

app = FastAPI()


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "documents"
    key: Mapped[str]
    content_type: Mapped[str]


`
