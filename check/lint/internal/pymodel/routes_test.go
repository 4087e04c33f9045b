package pymodel

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const routed = `
-- app/main.py --
from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware import Middleware

from app.api import admin, items as things
from app.api.deep import router as deep_router
from app.conf import settings
from app.security import current_user

app = FastAPI(middleware=[Middleware(CORSMiddleware, allow_origins=["*"])])
api = APIRouter(prefix="/api", dependencies=[Depends(current_user)])
api.include_router(things.router, prefix="/items")
app.include_router(api, prefix="/v1")
app.include_router(admin.router)
app.include_router(router=deep_router, prefix="/deep", include_in_schema=False)
if settings.debug:
    app.include_router(APIRouter())


@app.middleware("http")
async def timing(request, call_next):
    return await call_next(request)


@app.get("/", include_in_schema=False)
async def root():
    return {}


if settings.debug:

    @app.get("/debug")
    def debug():
        return {}


def late():
    pass


app.add_api_route("/late", late, methods=["PUT", "DELETE"])
app.add_middleware(CORSMiddleware)


@app.websocket("/ws")
async def ws(websocket):
    pass


@client.get("/nothing")
def not_http_at_all():
    pass


@cache.get("key")
def cached():
    pass
-- app/security.py --
from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer

scheme = OAuth2PasswordBearer(tokenUrl="token")


def current_user(token: str = Depends(scheme)):
    return token
-- app/api/__init__.py --
-- app/api/items.py --
from typing import Annotated

from fastapi import APIRouter, Depends

router = APIRouter()


class Pager:
    def __init__(self, size: int = 10):
        self.size = size


def session():
    yield


Session = Annotated[object, Depends(session)]


@router.get("/{item_id}")
def read(item_id: int, db: Session, pager: Pager = Depends()):
    return item_id


@router.post("", response_model=Pager)
def create(db=Depends(session)):
    return 1
-- app/api/admin.py --
from fastapi import APIRouter

router = APIRouter(prefix="/admin", include_in_schema=False)


@router.api_route("/all", methods=["GET", "POST"])
def everything():
    return 1
-- app/api/deep.py --
from fastapi import APIRouter

inner = APIRouter(prefix="/inner")
router = APIRouter(prefix="/outer")


@inner.patch("/x")
def patch():
    return 1


router.include_router(inner)
-- tests/test_app.py --
from fastapi import FastAPI

other = FastAPI()


@other.get("/only-in-tests")
def only():
    pass
`

// TestRoutes holds routes to their paths through the routers that they are
// added to, whatever the order of the files.
func TestRoutes(t *testing.T) {
	p := project(t, routed)
	got := map[string]string{}
	for _, r := range p.Routes {
		line := strings.Join(r.Methods, ",") + " " + r.Path
		if r.Hidden {
			line += " hidden"
		}
		if r.Cond {
			line += " cond"
		}
		if r.WebSocket {
			line += " websocket"
		}
		if r.Authenticated() {
			line += " authenticated"
		}
		if r.Response != nil {
			line += " response"
		}
		got[r.Func.Name] = line
	}
	want := map[string]string{
		"root": "GET / hidden", "debug": "GET /debug cond", "late": "PUT,DELETE /late", "ws": " /ws websocket",
		"read": "GET /v1/api/items/{item_id} authenticated", "create": "POST /v1/api/items authenticated response",
		"everything": "GET,POST /admin/all hidden", "patch": "PATCH /deep/outer/inner/x hidden", "only": "GET /only-in-tests",
	}
	for name, line := range want {
		if got[name] != line {
			t.Errorf("%s is %q, not %q", name, got[name], line)
		}
	}
	if got["cached"] != "" {
		t.Errorf("a cache's key is a route: %s", got["cached"])
	}
}

func TestDeps(t *testing.T) {
	p := project(t, routed)
	i := slices.IndexFunc(p.Routes, func(r *Route) bool { return r.Func.Name == "read" })
	var names []string
	for _, d := range p.Routes[i].Deps {
		names = append(names, d.Name)
	}
	for _, want := range []string{"app.security.current_user", "app.api.items.session", "app.api.items.Pager"} {
		if !slices.Contains(names, want) {
			t.Errorf("it does not depend on %s but on %q", want, names)
		}
	}
	if r := p.Routes[i]; r.Writes() || !r.Reads() {
		t.Error("GET is told to write")
	}
}

func TestApps(t *testing.T) {
	p := project(t, routed)
	if len(p.Apps) != 2 {
		t.Fatalf("there are %d applications", len(p.Apps))
	}
	i := slices.IndexFunc(p.Apps, func(a *App) bool { return a.Module.Path == "app/main.py" })
	var got []string
	for _, m := range p.Apps[i].Middleware {
		got = append(got, fmt.Sprint(m.Name, " ", m.Listed, " ", m.Func != nil, " ", m.Arg("allow_origins") != nil))
	}
	want := "[starlette.middleware.cors.CORSMiddleware true false true app.main.timing false true false starlette.middleware.cors.CORSMiddleware false false false]"
	if fmt.Sprint(got) != want {
		t.Errorf("the middleware is %v", got)
	}
}
