package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRoutesOfSource(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"app/main.py": `from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.security import HTTPBearer

app = FastAPI()
admin = APIRouter(prefix="/admin", include_in_schema=False)
NAME = make_name()


@app.get("/items/{id:int}")
def item(id: int):
    return id


@admin.api_route("/stats", methods=["GET", "POST"])
def stats():
    return 1


@app.get("/me", dependencies=[Depends(HTTPBearer())])
def me():
    return 1


@app.websocket("/ws")
async def ws(s: WebSocket):
    pass


@app.get(NAME)
def unknown():
    return 1


@app.get("/files/{rest:path}")
def files(rest: str):
    return rest


app.include_router(admin)
`,
		"tests/test_main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/only-in-tests\")\ndef only():\n    pass\n",
		"go.mod":             "module example.com/a\n\ngo 1.25\n",
		"main.go": `package main

import "net/http"

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", get)
	mux.HandleFunc("/internal/dump", get)
	mux.HandleFunc("/static/", get)
	mux.HandleFunc("GET /rest/{path...}", get)
	mux.Handle("DELETE /orders/{id}", requireUser(http.HandlerFunc(get)))
	_ = http.ListenAndServe("127.0.0.1:8000", mux)
}

func get(w http.ResponseWriter, r *http.Request) {}

func requireUser(next http.Handler) http.Handler { return next }
`,
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	routes, err := Routes(t.Context(), Options{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range routes {
		line := fmt.Sprintf("%s %s %s", r.Method, r.Path, filepath.Base(r.File))
		if r.Hidden {
			line += " hidden"
		}
		if r.Authenticated {
			line += " authenticated"
		}
		if r.Line < 1 {
			t.Errorf("%s: line %d", line, r.Line)
		}
		got = append(got, line)
	}
	want := []string{
		"GET /admin/stats main.py hidden", "POST /admin/stats main.py hidden", "GET /files/{rest} main.py", " /internal/dump main.go", "GET /items/{id} main.py",
		"GET /me main.py authenticated", "DELETE /orders/{id} main.go authenticated", "GET /orders/{id} main.go",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := Routes(t.Context(), Options{Paths: []string{filepath.Join(dir, "missing")}}); err == nil {
		t.Error("a folder that is not there has routes")
	}
}
