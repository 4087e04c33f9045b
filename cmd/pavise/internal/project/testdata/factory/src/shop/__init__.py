from fastapi import FastAPI

from .views import mail, pages


def create_app(settings=None, *, debug: bool = False) -> FastAPI:
    app = FastAPI(redoc_url=None)
    app.include_router(pages.router, prefix="/p")
    app.include_router(pages.router, prefix="/q")
    app.include_router(mail.router)
    return app


def needs_arguments(settings):
    return FastAPI()
