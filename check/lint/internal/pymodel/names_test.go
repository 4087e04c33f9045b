package pymodel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// TestQualified asks what probe(…) is given, and holds it to what its line
// says.
func TestQualified(t *testing.T) {
	p := project(t, `
-- app/__init__.py --
from .core import Engine as Motor
from . import core
-- app/core.py --
import hashlib
from os import path as p, environ
import fastapi.responses
import sqlalchemy as sa
from typing_extensions import Annotated
from .sub import deep

LIMIT = 5
digest = hashlib.sha256
alias = digest


class Base:
    size = 1

    def run(self):
        probe(self.run)  # app.core.Base.run
        probe(self.size)  # app.core.Base.size
        probe(self.missing)  #


class Engine(Base):
    kind = "x"


def make() -> Engine:
    return Engine()


def plain():
    return Engine()


class Holder:
    def __init__(self, engine: Engine, other: Base):
        self.engine = engine
        self.either = engine
        probe(self.engine.kind)  # app.core.Engine.kind

    def change(self, other: Base):
        self.either = other


def outer(given, engine: Engine, maybe: "Engine | None" = None):
    inner = make()
    probe(given)  # app.core.given
    probe(engine.run)  # app.core.Base.run
    probe(maybe.kind)  # app.core.Engine.kind
    probe(inner.run)  # app.core.Base.run
    probe(plain().run)  # app.core.Base.run
    probe(Holder(engine).engine.kind)  # app.core.Engine.kind
    probe(Holder(engine).either.kind)  #
    probe(make().kind)  # app.core.Engine.kind
    probe(len)  # builtins.len
    probe(unknown)  #
    given = 3


probe(hashlib.md5)  # hashlib.md5
probe(alias)  # hashlib.sha256
probe(p.join)  # os.path.join
probe(environ.get)  # os.environ.get
probe(fastapi.responses.HTMLResponse)  # starlette.responses.HTMLResponse
probe(sa.text)  # sqlalchemy.text
probe(sa.create_engine("x").connect)  # sqlalchemy.Engine.connect
probe(Annotated)  # typing.Annotated
probe(deep.far)  # app.sub.deep.far
probe(LIMIT)  # app.core.LIMIT
-- app/sub/__init__.py --
-- app/sub/deep.py --
from .. import Motor, core
from ..core import make as build
from ...gone import nothing
import app
import app.core as again
from app.sub import deep as me


def far():
    pass


probe(Motor)  # app.core.Engine
probe(core.Engine.kind)  # app.core.Engine.kind
probe(build)  # app.core.make
probe(nothing)  # gone.nothing
probe(app.Motor.run)  # app.core.Base.run
probe(again.digest)  # hashlib.sha256
probe(me.far)  # app.sub.deep.far
-- app/round.py --
from .turn import thing
probe(thing)  #
-- app/turn.py --
from .round import thing
-- src/lib/tool.py --
def work():
    pass
-- src/lib/user.py --
from lib.tool import work
probe(work)  # src.lib.tool.work
-- app/typing.py --
def mine():
    pass
-- app/other.py --
import typing
from app.typing import mine
probe(typing.Any)  # typing.Any
probe(mine)  # app.typing.mine
`)
	said(t, p, "probe", func(c *Call, want string) {
		if got := c.Scope.Qualified(c.Args[0]); got != want {
			line, _ := c.Module.File.Position(c.Pos())
			t.Errorf("%s:%d: %s is %q, not %q", c.Module.Path, line, c.Module.File.Text(c.Args[0]), got, want)
		}
	})
}

// TestConst asks what is known before the program runs.
func TestConst(t *testing.T) {
	p := project(t, `
-- conf.py --
from pydantic_settings import BaseSettings

HOST = "db"
URL = f"postgres://{HOST}/" + "shop"
TWICE = 1
TWICE = 2
HOURS = 60 * 60 * 24
OFF = not True
LOOP = LOOPED
LOOPED = LOOP


class Plain:
    name = "plain"


class Settings(BaseSettings):
    name: str = "set"


settings = Settings()
-- main.py --
import conf
from conf import HOURS as DAY, settings


def f(arg="default"):
    local = "a"
    with open("x") as handle:
        probe(handle)  # unknown
    for each in ["a"]:
        probe(each)  # unknown
    probe(local + "b")  # ab
    probe(arg)  # unknown


probe(conf.URL)  # postgres://db/shop
probe(DAY)  # 86400
probe(-DAY)  # -86400
probe(0x10 - 6)  # 10
probe("a" "b")  # ab
probe(b"a" + b"b")  # ab
probe("a" + 1)  # unknown
probe(conf.TWICE)  # unknown
probe(conf.OFF)  # False
probe(conf.LOOP)  # unknown
probe(conf.Plain.name)  # plain
probe(settings.name)  # unknown
probe(9999999999 * 9999999999)  # unknown
probe(print)  # unknown
`)
	said(t, p, "probe", func(c *Call, want string) {
		got := "unknown"
		if v, ok := c.Scope.Const(c.Args[0]); ok {
			got = v.Text
			switch v.Kind {
			case pyast.True:
				got = "True"
			case pyast.False:
				got = "False"
			}
		}
		if got != want {
			t.Errorf("%s is %s, not %s", c.Module.File.Text(c.Args[0]), got, want)
		}
	})
}

func TestLists(t *testing.T) {
	p := project(t, `
-- a.py --
NAMES = ("a", "b")
MIXED = ["a", f()]
TABLE = {"one": "1", **{"two": "2"}}
-- b.py --
from a import *
import a

probe(a.NAMES)  # [a b] true
probe(a.MIXED)  # [a] false
probe({"x"})  # [x] true
probe([])  # [] false
probe(a.TABLE)  # [] false
`)
	said(t, p, "probe", func(c *Call, want string) {
		texts, all := c.Scope.Texts(c.Args[0])
		if got := fmt.Sprint(texts, all); got != want {
			t.Errorf("%s is %s, not %s", c.Module.File.Text(c.Args[0]), got, want)
		}
		if d, at := c.Scope.Dict(c.Args[0]); d != nil {
			if one, ok := at.Text(at.Entry(d, "one")); !ok || one != "1" || at.Entry(d, "three") != nil {
				t.Errorf("one is %q", one)
			}
		}
	})
}

// TestTypes asks for classes of values and of annotations.
func TestTypes(t *testing.T) {
	p := project(t, `
-- m.py --
from typing import Annotated, Optional, Union
from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy.orm import declarative_base
from pydantic_settings import BaseSettings

Base = declarative_base()


class Own(BaseModel):
    a: int
    b: str = "x"


class Sub(Own):
    b: int = 1
    c: float


class Row(Base):
    __tablename__ = "rows"


class Conf(BaseSettings):
    pass


class Loop(Loop):
    pass


Alias = Annotated[Own, Depends(lambda: 1)]


def f(a: Own, b: Optional[Own], c: "Own", d: Own | None, e: None | Own, g: Annotated[Sub, 1], h: Alias, i: Union[Sub, int], j: Request, k: "broken[", l):
    probe(a)  # m.Own
    probe(b)  # m.Own
    probe(c)  # m.Own
    probe(d)  # m.Own
    probe(e)  # m.Own
    probe(g)  # m.Sub
    probe(h)  # m.Own
    probe(i)  # m.Sub
    probe(j)  # starlette.requests.Request
    probe(k)  #
    probe(l)  #
    probe(Own() or l)  # m.Own
    probe(Sub() if l else a)  # m.Sub
    probe(x := Own())  # m.Own
`)
	said(t, p, "probe", func(c *Call, want string) {
		if got := c.Scope.TypeOf(c.Args[0]).Name; got != want {
			t.Errorf("%s is of %q, not of %q", c.Module.File.Text(c.Args[0]), got, want)
		}
	})
	class := func(name string) *Class {
		for _, c := range p.Modules[0].Classes {
			if c.Name == name {
				return c
			}
		}
		t.Fatalf("there is no class %s", name)
		return nil
	}
	if !class("Sub").IsA("pydantic.BaseModel") || !class("Sub").IsA("m.Own") || class("Sub").IsA("m.Sub") || class("Loop").IsA("x") {
		t.Error("bases are not followed")
	}
	if !class("Row").IsTable() || class("Own").IsTable() || !class("Conf").IsSettings() || class("Own").IsSettings() {
		t.Error("tables and settings are not told apart")
	}
	var fields []string
	for _, f := range class("Sub").AllFields() {
		fields = append(fields, f.Name)
	}
	if got := fmt.Sprint(fields); got != "[b c a]" {
		t.Errorf("the fields are %s", got)
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string][]string{
		"": nil, "a": {"a"}, "user_id": {"user", "id"}, "userID": {"user", "id"}, "HTTPServer": {"http", "server"}, "JWT_SECRET": {"jwt", "secret"},
		"__all__": {"all"}, "oauth2": {"oauth2"}, "größe": {"größe"}, "a-b.c d": {"a", "b", "c", "d"},
	} {
		if got := Words(name); !slices.Equal(got, want) {
			t.Errorf("%q is of %q, not %q", name, got, want)
		}
		if got := strings.Fields(Spaced(name)); !slices.Equal(got, want) {
			t.Errorf("%q with spaces is of %q, not %q", name, got, want)
		}
	}
}

// What is noted of a call is what is found out without it, and is asked for in
// the call's own scope only.
func TestMarks(t *testing.T) {
	p := project(t, `
-- app/a.py --
import hashlib
from app.b import made, Kind

def f(made):
    made()
    hashlib.md5()
    Kind().run()
    len([])

made()
-- app/b.py --
class Kind:
    def run(self): self.run()

def made() -> Kind: return Kind()
`)
	n := 0
	for _, m := range p.Modules {
		for _, c := range m.Calls {
			noted := c.Scope.Symbol(c.Func)
			inModule := m.Scope.Symbol(c.Func)
			switch f := c.Func.(type) {
			case *pyast.Name:
				f.Mark = 0
			case *pyast.Attribute:
				f.Mark = 0
			}
			if outer := m.Scope.Symbol(c.Func); outer != inModule {
				t.Errorf("%s names %v in the module, not %v", m.File.Text(c.Func), inModule, outer)
			}
			if found := c.Scope.Symbol(c.Func); noted != found {
				t.Errorf("%s names %v, not %v", m.File.Text(c.Func), noted, found)
			}
			n++
		}
	}
	if n != 8 {
		t.Errorf("there are %d calls", n)
	}
}

func TestModules(t *testing.T) {
	p := project(t, "-- app/main.py --\n-- tests/test_a.py --\n-- app/a_test.py --\n-- app/testing/b.py --\n-- conftest.py --\n-- app/contest.py --\n-- __init__.py --\n")
	var got []string
	for _, m := range p.Modules {
		got = append(got, fmt.Sprint(m.Name, " ", m.Test, " ", m.Package))
	}
	if want := "[app.main false false tests.test_a true false app.a_test true false app.testing.b true false conftest true false app.contest false false  false true]"; fmt.Sprint(got) != want {
		t.Errorf("modules are %v", got)
	}
}
