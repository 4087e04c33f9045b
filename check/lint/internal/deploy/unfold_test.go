package deploy

import (
	"fmt"
	"strings"
	"testing"
)

func TestUnfold(t *testing.T) {
	var got []string
	for _, l := range unfold([]byte("a \\\n  b \\\n# c\n  d\ne\\")) {
		got = append(got, fmt.Sprint(l.from, "-", l.to, " ", strings.Join(strings.Fields(l.text), " ")))
	}
	equal(t, "lines", got, []string{"1-4 a b d", "5-5 e"})
	equal(t, "words", fields(`"A=b c"  D='e' f"g h`), []string{"A=b c", "D=e", "fg h"})
}

// TestCommandPlaces holds commands to what is told of where they stand.
func TestCommandPlaces(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"Dockerfile", "FROM a AS b\nENTRYPOINT [\"uv\", \"run\"]\nFROM b AS dev\nCMD [\"uvicorn\", \"a:b\", \"--reload\"]\nFROM b AS prod\nCMD [\"uvicorn\", \\\n  \"a:b\"]\n", "6-7 prod uvicorn a:b"},
		{"Dockerfile", "FROM a AS b\nCMD uvicorn a:b\nFROM b\nUSER c\n", "2-2  uvicorn a:b"},
		{"api.service", "[Service]\nExecStart=/bin/uvicorn \\\n  a:b \\\n  --reload\n", "2-4  uvicorn a:b --reload"},
		{"Makefile", "run:\n\tuvicorn a:b --reload\nrun-prod: build\n\t@A=b uvicorn a:b\n", "4-4 run-prod uvicorn a:b [[A b]]"},
		{"start.sh", "if a; then\n  uvicorn a:b\nfi\n[ -n \"$A\" ] && uvicorn c:d\ncd e && B=c uvicorn \\\n  e:f\n", "2-2  uvicorn a:b if\n4-4  uvicorn c:d if\n5-6  uvicorn e:f [[B c]]"},
	} {
		var got []string
		for _, c := range project(t, c.name, c.text).Commands {
			s := fmt.Sprintf("%d-%d %s %s %s", c.Line, c.End, c.Owner, c.Server, strings.Join(c.Args, " "))
			if c.Cond {
				s += " if"
			}
			if len(c.Env) > 0 {
				s += fmt.Sprint(" ", c.Env)
			}
			got = append(got, s)
		}
		equal(t, c.name, strings.Join(got, "\n"), c.want)
	}
}
