// Package project looks at the source of a service, for `pavise init`: where
// its application object is, how it is started, and the facts that a first
// policy can be made of. Every fact comes with the file and line it was read
// from.
//
// It reads text and runs nothing. What it finds is a proposal for a person
// to look at: a value that is computed when the program runs cannot be read,
// and is told as unclear instead of being guessed. It is not a check of the
// code; that is the work of `pavise check`.
//
//	found, err := project.Look(os.DirFS("."))
//	for _, app := range found.Apps {
//		fmt.Println(app.Place, app.Target)
//	}
package project

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Place is where something was read.
type Place struct {
	File string // relative to the directory that was looked at, with slashes
	Line int    // from 1
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// An App is a Python application object, or a function that makes one.
type App struct {
	Place
	Target    string // what a server is told, such as "app.main:app"
	Dir       string // the directory from which that can be imported; "." for the one looked at
	Framework string // "fastapi" or "starlette"
	Factory   bool   // Target is a function that returns the application
	Mounted   bool   // it is a part of another application
	RootPath  string // of its constructor, if that is a literal
	// DocsOff says that the application switches off its own documentation
	// (docs_url, redoc_url or openapi_url is None).
	DocsOff bool
}

// A Command starts something: a line of a Dockerfile, a compose file, a
// Procfile or a shell script, or a call of uvicorn.run.
type Command struct {
	Place
	Service string   // of compose and Procfile
	Argv    []string // nil for a call in Python
	Server  string   // "uvicorn", "gunicorn", "hypercorn", "granian", "fastapi"; "" if not known
	Target  string   // the application it is told to serve, if it says so
	// What its flags say; empty if they say nothing.
	Host, Port, RootPath, ForwardedAllowIPs, Workers string
}

// A Value is a literal of the source.
type Value struct {
	Place
	Value string
}

// A Route is a path that the application answers.
type Route struct {
	Place
	Method string // "POST", "WEBSOCKET"; "ANY" if it does not say
	Path   string // such as "/api/users/{id}"
	// Whole says that Path begins at the application's root. If not, a
	// prefix of it is not known and Path is only its end.
	Whole bool
}

// A Main is a Go program that serves HTTP.
type Main struct {
	Place
	Dir       string // of the package
	Framework string // "net/http", "gin", "echo", "chi" or "fiber"
}

// Found is what a look has shown. Every list is in a fixed order; the first
// App is the likeliest.
type Found struct {
	Apps     []App
	Commands []Command
	Mains    []Main

	Hosts      []Value // allowed_hosts of TrustedHostMiddleware
	Origins    []Value // allow_origins of CORSMiddleware
	Forwarded  []Value // who is trusted to forward: --forwarded-allow-ips, FORWARDED_ALLOW_IPS
	RootPaths  []Value // --root-path, root_path=
	Ports      []Value // EXPOSE, and what compose publishes: "8000", "127.0.0.1:80:8000"
	Logins     []Route // where credentials are sent to
	Uploads    []Route // with an UploadFile
	WebSockets []Route

	// Unclear is what could not be read: a computed value, a file too large.
	Unclear []Value
}

// The limits of a look. A repository can be of any size, and what is not a
// service's own source is not worth the time.
const (
	maxFile    = 1 << 20
	maxTotal   = 64 << 20
	maxEntries = 50_000
	maxDepth   = 12
	maxFacts   = 1000 // of one kind
)

// notSource are directories that hold other people's code, or code that is
// not served.
var notSource = []string{"node_modules", "site-packages", "__pycache__", "venv", "virtualenv", "env", "vendor", "testdata", "tests", "test", "build", "dist", "htmlcov", "bower_components"}

// Look reads the directory. Its error says that the directory itself cannot
// be read; what is wrong with a file in it is told in Unclear.
func Look(fsys fs.FS) (*Found, error) {
	l := &look{fsys: fsys, found: new(Found)}
	if _, err := fs.ReadDir(fsys, "."); err != nil {
		return nil, err
	}
	err := fs.WalkDir(fsys, ".", l.visit)
	if err != nil {
		return nil, err
	}
	l.python()
	l.golang()
	l.finish()
	return l.found, nil
}

// A look is one that is going on.
type look struct {
	fsys    fs.FS
	found   *Found
	entries int
	total   int64
	pyFiles []*pyFile
	goFiles []goFile
}

// A goFile waits until the whole package was read.
type goFile struct{ path, text string }

func (l *look) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		if name == "." {
			return err
		}
		l.unclear(Place{name, 1}, "cannot be read")
		if d != nil && d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if l.entries++; l.entries > maxEntries {
		l.unclear(Place{name, 1}, fmt.Sprintf("more than %d files: the rest was not looked at", maxEntries))
		return fs.SkipAll
	}
	base := path.Base(name)
	if d.IsDir() {
		if name == "." {
			return nil
		}
		if strings.HasPrefix(base, ".") || slices.Contains(notSource, base) || strings.Count(name, "/") >= maxDepth {
			return fs.SkipDir
		}
		if _, err := fs.Stat(l.fsys, name+"/pyvenv.cfg"); err == nil {
			return fs.SkipDir // a virtual environment of any name
		}
		return nil
	}
	if !d.Type().IsRegular() {
		return nil // a link could lead out of the project, or in circles
	}
	var read func(name, text string)
	lower := strings.ToLower(base)
	switch {
	case strings.HasSuffix(base, ".py"):
		if strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || base == "conftest.py" {
			return nil
		}
		read = l.readPython
	case strings.HasSuffix(base, ".go"):
		if strings.HasSuffix(base, "_test.go") {
			return nil
		}
		read = func(name, text string) { l.goFiles = append(l.goFiles, goFile{name, text}) }
	case lower == "dockerfile" || lower == "containerfile" || strings.HasPrefix(lower, "dockerfile.") || strings.HasSuffix(lower, ".dockerfile"):
		read = l.readDockerfile
	case (strings.HasSuffix(lower, ".yml") || strings.HasSuffix(lower, ".yaml")) && (strings.HasPrefix(lower, "docker-compose") || strings.HasPrefix(lower, "compose")):
		read = l.readCompose
	case base == "Procfile" || strings.HasPrefix(base, "Procfile."):
		read = l.readProcfile
	case strings.HasSuffix(base, ".sh"):
		read = l.readScript
	default:
		return nil
	}
	text, err := l.readFile(name)
	if err != nil {
		l.unclear(Place{name, 1}, err.Error())
		return nil
	}
	read(name, text)
	return nil
}

func (l *look) readFile(name string) (string, error) {
	f, err := l.fsys.Open(name)
	if err != nil {
		return "", fmt.Errorf("cannot be read")
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("cannot be read")
	}
	if len(b) > maxFile {
		return "", fmt.Errorf("larger than %d bytes: not looked at", maxFile)
	}
	if l.total += int64(len(b)); l.total > maxTotal {
		return "", fmt.Errorf("more than %d bytes of source: not looked at", maxTotal)
	}
	return string(b), nil
}

func (l *look) unclear(at Place, why string) { keep(&l.found.Unclear, Value{at, why}) }

// keep appends to a list that has an end.
func keep[T any](list *[]T, v T) {
	if len(*list) < maxFacts {
		*list = append(*list, v)
	}
}

// finish matches what was read in different files, and sorts.
func (l *look) finish() {
	f := l.found
	for i := range f.Apps {
		app := &f.Apps[i]
		for _, c := range f.Commands {
			if dir, ok := serves(c.Target, app); ok {
				app.Target, app.Dir = c.Target, dir
				break
			}
		}
	}
	told := func(a App) bool {
		return slices.ContainsFunc(f.Commands, func(c Command) bool { _, ok := serves(c.Target, &a); return ok })
	}
	rank := func(a App) int {
		n := 0
		if !told(a) {
			n += 8
		}
		if a.Mounted {
			n += 4
		}
		if a.Factory {
			n += 2
		}
		if base := path.Base(a.File); base != "main.py" && base != "app.py" && base != "asgi.py" {
			n++
		}
		return n
	}
	slices.SortStableFunc(f.Apps, func(a, b App) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(strings.Count(a.File, "/"), strings.Count(b.File, "/")), comparePlaces(a.Place, b.Place))
	})
	slices.SortStableFunc(f.Commands, func(a, b Command) int { return comparePlaces(a.Place, b.Place) })
	slices.SortStableFunc(f.Mains, func(a, b Main) int { return comparePlaces(a.Place, b.Place) })
	for _, list := range []*[]Value{&f.Hosts, &f.Origins, &f.Forwarded, &f.RootPaths, &f.Ports, &f.Unclear} {
		slices.SortStableFunc(*list, func(a, b Value) int { return cmp.Or(comparePlaces(a.Place, b.Place), cmp.Compare(a.Value, b.Value)) })
		*list = slices.Compact(*list)
	}
	for _, list := range []*[]Route{&f.Logins, &f.Uploads, &f.WebSockets} {
		slices.SortStableFunc(*list, func(a, b Route) int {
			return cmp.Or(comparePlaces(a.Place, b.Place), cmp.Compare(a.Method, b.Method), cmp.Compare(a.Path, b.Path))
		})
		*list = slices.Compact(*list)
	}
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// serves says whether a server's target is this application, and from which
// directory it is then imported.
func serves(target string, app *App) (dir string, ok bool) {
	module, name, ok := strings.Cut(target, ":")
	if !ok {
		return "", false
	}
	_, own, _ := strings.Cut(app.Target, ":")
	if strings.TrimSuffix(name, "()") != own {
		return "", false
	}
	file := strings.ReplaceAll(module, ".", "/")
	for _, end := range []string{file + ".py", file + "/__init__.py"} {
		if app.File == end {
			return ".", true
		}
		if dir, ok := strings.CutSuffix(app.File, "/"+end); ok {
			return dir, true
		}
	}
	return "", false
}

func (l *look) stat(name string) (fs.FileInfo, error) { return fs.Stat(l.fsys, name) }
