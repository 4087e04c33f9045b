import sqlite3
import traceback

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from settings import settings

app = FastAPI()


class OutOfStock(Exception):
    pass


class ApiError(HTTPException):
    pass


@app.get("/a")
def a():
    try:
        return load()
    except HTTPException:
        raise
    except Exception as e:
        raise HTTPException(status_code=500, detail=f"failed: {e}")  # want "lint/error-detail"


@app.get("/b")
async def b():
    try:
        return load()
    except SQLAlchemyError as exc:
        return JSONResponse({"error": str(exc)}, status_code=500)  # want "lint/error-detail"


@app.get("/c")
def c():
    try:
        return load()
    except:
        return {"trace": traceback.format_exc()}  # want "lint/error-detail"


@app.get("/d")
def d():
    try:
        return load()
    except sqlite3.Error as e:
        message = "database: " + repr(e)
        raise ApiError(500, message) from e  # want "lint/error-detail"


@app.get("/e")
def e():
    try:
        return load()
    except IntegrityError as err:
        raise HTTPException(409, detail={"error": "conflict", "reason": str(err.orig)})  # want "lint/error-detail"


def service():
    try:
        return {"ok": load()}
    except Exception as e:
        return {"ok": False, "error": str(e)}  # want "lint/error-detail"


@app.get("/f")
def f():
    result = service()
    return result


def failed(message):
    return JSONResponse({"error": message}, status_code=500)


def reported(error):
    capture(error)
    return JSONResponse({"error": "failed"}, status_code=500)


@app.get("/g")
def g():
    try:
        return load()
    except Exception as e:
        return failed(str(e))  # want "lint/error-detail"


@app.exception_handler(Exception)
async def everything(request: Request, exc: Exception):
    return JSONResponse(status_code=500, content={"detail": str(exc), "type": type(exc).__name__})  # want "lint/error-detail"


@app.exception_handler(500)
async def internal(request, exc):
    return PlainTextResponse("".join(traceback.format_exception(exc)))  # want "lint/error-detail"


async def database(request, exc):
    return JSONResponse({"detail": exc.args}, 500)  # want "lint/error-detail"


app.add_exception_handler(SQLAlchemyError, database)


@app.middleware("http")
async def errors(request: Request, call_next):
    try:
        return await call_next(request)
    except Exception as e:
        response = JSONResponse({"error": str(e)}, 500)  # want "lint/error-detail"
        return response


@app.get("/ok1")
def ok1():
    try:
        return load()
    except OutOfStock as e:
        raise HTTPException(409, detail=str(e))  # ok "lint/error-detail"
    except ValueError as e:
        raise HTTPException(400, str(e))  # ok "lint/error-detail"
    except Exception as e:
        logger.exception("failed: %s", e)
        raise HTTPException(500, "failed") from e  # ok "lint/error-detail"


@app.get("/ok2")
def ok2():
    try:
        return load()
    except Exception as e:
        if isinstance(e, OutOfStock):
            raise HTTPException(409, str(e))  # ok "lint/error-detail"
        return reported(e)  # ok "lint/error-detail"


@app.get("/ok3")
def ok3():
    try:
        return load()
    except Exception as e:
        raise HTTPException(500, detail=str(e) if settings.debug else "failed")  # ok "lint/error-detail"


@app.get("/ok4")
def ok4():
    try:
        return load()
    except Exception as e:
        return JSONResponse({"error": type(e).__name__}, 500)  # ok "lint/error-detail"


@app.exception_handler(RequestValidationError)
async def invalid(request, exc):
    return JSONResponse({"detail": exc.errors()}, 422)  # ok "lint/error-detail"


@app.exception_handler(OutOfStock)
async def stock(request, exc):
    return JSONResponse({"detail": str(exc)}, 409)  # ok "lint/error-detail"


@app.exception_handler(Exception)
async def hidden(request, exc):
    logger.error(str(exc))
    detail = "failed"
    if settings.environment == "development":
        return JSONResponse({"detail": str(exc)}, 500)  # ok "lint/error-detail"
    return JSONResponse({"detail": detail}, 500)  # ok "lint/error-detail"


def inner():
    try:
        return load()
    except Exception as e:
        return {"error": str(e)}  # ok "lint/error-detail"


@app.get("/later")
def later():
    error = None
    try:
        load()
    except Exception as e:
        error = str(e)
    return {"error": error}  # want "lint/error-detail"
