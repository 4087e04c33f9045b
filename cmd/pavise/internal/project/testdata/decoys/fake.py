class FastAPI:
    """from fastapi import FastAPI"""


app = FastAPI()
text = """
from fastapi import FastAPI
other = FastAPI()
@app.post("/login")
"""


class UploadFile: ...


@app.get("/x")
def x(f: UploadFile): ...
