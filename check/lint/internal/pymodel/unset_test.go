package pymodel

import (
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// TestUnset asks what probe(…) is where the environment says nothing, and holds
// it to what its line says.
func TestUnset(t *testing.T) {
	p := project(t, `
-- app/settings.py --
import os
from pydantic import Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    off: bool = False
    on: bool = True
    text: str = Field("x", alias="TEXT")
    late: str = Field(default_factory=lambda: "y")
    must: str
    many: list[str] = ["a", "b"]


def get():
    return Settings()


def flag(name, default):
    return os.environ.get(name, default)


settings = get()
CONSTANT = False
OFF = os.getenv("A", "false").lower() in ("1", "true")
-- app/main.py --
import os
from . import settings as s
from .settings import Settings, settings, flag, OFF, CONSTANT


class Holder:
    def __init__(self):
        self.off = settings.off
        probe(self.off)  # False


def use(given: Settings, name):
    probe(given.on)  # True
    probe(name)  # unknown


probe(settings.off)  # False
probe(not settings.off)  # True
probe(s.get().on)  # True
probe(settings.text)  # x
probe(settings.late)  # y
probe(settings.must)  # unknown
probe(settings.must or settings.off)  # unknown
probe(settings.text and settings.off)  # False
probe(OFF)  # False
probe(CONSTANT)  # unknown
probe(os.getenv("A"))  # None
probe(bool(os.getenv("A")))  # False
probe(int(os.getenv("A", "3")))  # 3
probe(os.environ.get("A", "No").lower() == "yes")  # False
probe(os.getenv("ENVIRONMENT", "local") == "production")  # unknown
probe(os.getenv("A", "1") != "0")  # True
probe(flag("A", False))  # False
probe(os.environ["A"] == "1")  # unknown
probe(settings.many)  # list a b
probe(os.getenv("A", "a,b").split(","))  # list a b
probe(os.getenv("A").split(","))  # unknown
`)
	said(t, p, "probe", func(c *Call, want string) {
		got := "unknown"
		if v, ok := c.Scope.UnsetConst(c.Args[0]); ok {
			switch v.Kind {
			case pyast.True:
				got = "True"
			case pyast.False:
				got = "False"
			case pyast.None:
				got = "None"
			default:
				got = v.Text
			}
		} else if list := c.Scope.UnsetTexts(c.Args[0]); len(list) > 0 {
			got = "list " + strings.Join(list, " ")
		}
		if line, _ := c.Module.File.Position(c.Pos()); got != want {
			t.Errorf("%s:%d: %s is %q, not %q", c.Module.Path, line, c.Module.File.Text(c.Args[0]), got, want)
		}
	})
}
