package project

import (
	"path"
	"slices"
	"strings"
)

// readPython reads what a file says by itself. What needs other files waits
// for python.
func (l *look) readPython(name, text string) {
	// Cheap, and the answer for most files of a repository.
	if !strings.Contains(text, "fastapi") && !strings.Contains(text, "starlette") && !strings.Contains(text, "uvicorn") &&
		!strings.Contains(text, "router") && !strings.Contains(text, "Middleware") && !strings.Contains(text, "app") {
		return
	}
	f := &pyFile{path: name, toks: pyTokens(text), imports: map[string]pyImport{}, lists: map[string][]Value{}, makes: map[string]bool{}}
	f.readImports()
	f.readLists()
	l.pyFiles = append(l.pyFiles, f)
}

// python reads the files together.
func (l *look) python() {
	byPath := map[string]*pyFile{}
	for _, f := range l.pyFiles {
		byPath[f.path] = f
	}
	for _, f := range l.pyFiles {
		l.findApps(f)
	}
	called := map[string]bool{} // factories whose result a module holds
	for _, f := range l.pyFiles {
		l.findMade(f, byPath, called)
	}
	l.found.Apps = slices.DeleteFunc(l.found.Apps, func(a App) bool {
		_, name, _ := strings.Cut(a.Target, ":")
		return a.Factory && called[a.File+":"+name]
	})
	g := newRouters(byPath)
	for _, f := range l.pyFiles {
		g.readFile(f)
	}
	for i := range l.found.Apps {
		a := &l.found.Apps[i]
		_, name, _ := strings.Cut(a.Target, ":")
		a.Mounted = g.mounted[routerID{a.File, name}]
		a.Target, a.Dir = l.importable(byPath[a.File], name)
		if a.RootPath != "" {
			keep(&l.found.RootPaths, Value{a.Place, a.RootPath})
		}
	}
	for _, f := range l.pyFiles {
		l.middleware(f)
		l.runCalls(f)
		l.routes(f, g)
	}
}

// findApps finds the calls that make an application.
func (l *look) findApps(f *pyFile) {
	var s scope
	for i := 0; i < len(f.toks); i++ {
		f.enter(&s, i)
		if f.toks[i].kind != pyName || f.attribute(i) {
			continue
		}
		name, next := f.dotted(i)
		if f.at(next) != "(" {
			continue
		}
		framework := f.constructor(name)
		if framework == "" {
			continue
		}
		app := App{Place: f.place(i), Framework: framework}
		for _, it := range f.items(next) {
			switch it.name {
			case "root_path":
				app.RootPath, _ = f.literal(it.lo, it.hi)
			case "docs_url", "redoc_url", "openapi_url":
				app.DocsOff = app.DocsOff || it.hi == it.lo+1 && f.at(it.lo) == "None"
			}
		}
		variable, ok := f.assigned(i)
		switch {
		case s.class:
		case s.def != "":
			if s.bare && !f.makes[s.def] {
				f.makes[s.def] = true
				app.Target, app.Factory = ":"+s.def, true
				keep(&l.found.Apps, app)
			}
		case ok:
			app.Target = ":" + variable
			keep(&l.found.Apps, app)
		}
	}
}

// findMade finds `app = create_app()`, also with a factory of another file.
func (l *look) findMade(f *pyFile, byPath map[string]*pyFile, called map[string]bool) {
	var s scope
	for i := range f.toks {
		f.enter(&s, i)
		if s.def != "" || s.class || f.toks[i].kind != pyName || f.at(i+1) != "(" {
			continue
		}
		variable, ok := f.assigned(i)
		if !ok {
			continue
		}
		factory, from := f.toks[i].text, f
		if imp, ok := f.imports[factory]; ok && imp.name != "" {
			from, factory = byPath[f.resolve(imp.module, byPath)], imp.name
		}
		if from == nil || !from.makes[factory] {
			continue
		}
		called[from.path+":"+factory] = true
		app := App{Place: f.place(i), Target: ":" + variable}
		for _, a := range l.found.Apps {
			if a.File == from.path && a.Target == ":"+factory {
				app.Framework, app.RootPath, app.DocsOff = a.Framework, a.RootPath, a.DocsOff
			}
		}
		keep(&l.found.Apps, app)
	}
}

// resolve finds the file of a module, as Python would from one of the
// directories above this file; "" if it is not in the project.
func (f *pyFile) resolve(module string, byPath map[string]*pyFile) string {
	dots := len(module) - len(strings.TrimLeft(module, "."))
	rest := strings.ReplaceAll(module[dots:], ".", "/")
	try := func(dir string) string {
		for _, end := range []string{rest + ".py", rest + "/__init__.py"} {
			if p := path.Join(dir, end); byPath[p] != nil {
				return p
			}
		}
		return ""
	}
	dir := path.Dir(f.path)
	if dots > 0 {
		for range dots - 1 {
			dir = path.Dir(dir)
		}
		return try(dir)
	}
	for {
		if p := try(dir); p != "" {
			return p
		}
		if dir == "." {
			return ""
		}
		dir = path.Dir(dir)
	}
}

// importable says how a server is told about a name of a file: from which
// directory, and as which module. A package says so by its __init__.py; for
// the rest, the directory is right from which most of the file's own imports
// are found.
func (l *look) importable(f *pyFile, name string) (target, dir string) {
	file := strings.TrimSuffix(f.path, ".py")
	file = strings.TrimSuffix(file, "/__init__")
	parts := strings.Split(file, "/")
	exists := func(p string) bool {
		_, err := l.stat(p)
		return err == nil
	}
	// The deepest directory that can be the root: above every __init__.py.
	deepest := len(parts) - 1
	for deepest > 0 && exists(path.Join(path.Join(parts[:deepest]...), "__init__.py")) {
		deepest--
	}
	for _, imp := range f.imports {
		// A relative import needs as many packages above.
		if dots := len(imp.module) - len(strings.TrimLeft(imp.module, ".")); dots > 0 {
			deepest = max(0, min(deepest, len(parts)-1-dots))
		}
	}
	// The shallowest: what is below must be names, and src is never one.
	shallowest := deepest
	for shallowest > 0 && isIdentifier(parts[shallowest-1]) && parts[shallowest-1] != "src" {
		shallowest--
	}
	best, most := shallowest, 0
	for d := shallowest; d <= deepest; d++ {
		n := 0
		for _, imp := range f.imports {
			head, _, _ := strings.Cut(imp.module, ".")
			root := path.Join(append([]string{"."}, parts[:d]...)...)
			if head != "" && (exists(path.Join(root, head+".py")) || exists(path.Join(root, head))) {
				n++
			}
		}
		if n > most {
			best, most = d, n
		}
	}
	dir = path.Join(append([]string{"."}, parts[:best]...)...)
	return strings.Join(parts[best:], ".") + ":" + name, dir
}

// middleware reads the arguments of the two that say who may talk to us.
func (l *look) middleware(f *pyFile) {
	for i, t := range f.toks {
		if t.kind != pyName {
			continue
		}
		var key string
		var list *[]Value
		switch t.text {
		case "TrustedHostMiddleware":
			key, list = "allowed_hosts", &l.found.Hosts
		case "CORSMiddleware":
			key, list = "allow_origins", &l.found.Origins
		default:
			continue
		}
		var items []item
		switch {
		case f.at(i+1) == "(":
			items = f.items(i + 1)
		case t.depth > 0: // add_middleware(TrustedHostMiddleware, …)
			open := i
			for open > 0 && f.toks[open].depth >= t.depth {
				open--
			}
			items = f.items(open)
		}
		for _, it := range items {
			switch it.name {
			case key:
				values, ok := f.literals(it.lo, it.hi)
				if !ok {
					l.unclear(f.place(it.lo), key+" is computed")
				}
				for _, v := range values {
					keep(list, v)
				}
			case "allow_origin_regex":
				if f.at(it.lo) != "None" {
					l.unclear(f.place(it.lo), "allow_origin_regex is an expression")
				}
			}
		}
	}
}

// runCalls reads uvicorn.run(…), which is a command in Python.
func (l *look) runCalls(f *pyFile) {
	for i := range f.toks {
		if f.toks[i].kind != pyName || f.attribute(i) {
			continue
		}
		name, next := f.dotted(i)
		if f.at(next) != "(" {
			continue
		}
		if full, ok := f.means(name); !ok || full != "uvicorn.run" && full != "uvicorn.main.run" {
			continue
		}
		c := Command{Place: f.place(i), Server: "uvicorn"}
		items := f.items(next)
		text := func(key string, position int) string {
			it, ok := argument(items, key, position)
			if !ok {
				return ""
			}
			if it.hi == it.lo+1 && f.toks[it.lo].kind == pyNumber {
				return f.toks[it.lo].text
			}
			s, _ := f.literal(it.lo, it.hi)
			return s
		}
		if t := text("app", 0); target.MatchString(t) {
			c.Target = t
		}
		c.Host, c.Port, c.RootPath = text("host", -1), text("port", -1), text("root_path", -1)
		c.ForwardedAllowIPs, c.Workers = text("forwarded_allow_ips", -1), text("workers", -1)
		keep(&l.found.Commands, c)
		l.flagFacts(c)
	}
}
