from fastapi import APIRouter

from app.api.routes import files, login

api_router = APIRouter()
api_router.include_router(login.router)
api_router.include_router(files.router, prefix="/files")
