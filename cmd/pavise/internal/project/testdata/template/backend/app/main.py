from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.api.main import api_router
from app.core.config import settings

app = FastAPI(  # want app app.main:app in backend fastapi
    title=settings.PROJECT_NAME,
    openapi_url=f"{settings.API_V1_STR}/openapi.json",
)

app.add_middleware(
    CORSMiddleware,
    allow_origins=settings.all_cors_origins,  # want unclear allow_origins is computed
    allow_origin_regex=r"https://.*\.example",  # want unclear allow_origin_regex is an expression
)

app.include_router(api_router, prefix=settings.API_V1_STR)
