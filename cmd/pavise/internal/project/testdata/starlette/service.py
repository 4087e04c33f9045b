from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount, Route, WebSocketRoute

from . import views

routes = [
    Route("/login", views.login, methods=["GET", "POST"]),  # want login ANY /login end
    Route("/", views.home),
    Mount("/x", routes=[
        WebSocketRoute("/ws", views.ws),  # want websocket WEBSOCKET /ws end
    ]),
]

app = Starlette(  # want app service:app in . starlette
    routes=routes,
    middleware=[
        Middleware(TrustedHostMiddleware, allowed_hosts=["api.example", views.extra]),  # want unclear allowed_hosts is computed
        Middleware(TrustedHostMiddleware, allowed_hosts=("b.example",)),  # want host b.example
    ],
)
