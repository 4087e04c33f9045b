package project

import (
	"net/http"
	"slices"
	"strings"
)

// A routerID names a variable of a file that holds a router or an
// application.
type routerID struct{ file, name string }

// An include is one router in another.
type include struct {
	parent routerID
	prefix string
	known  bool // prefix is a literal
}

// routers is how the routers of a project are put together.
type routers struct {
	byPath  map[string]*pyFile
	roots   map[routerID]bool // applications
	own     map[routerID]string
	unknown map[routerID]bool // own prefix is computed
	parents map[routerID][]include
	mounted map[routerID]bool // applications in applications
}

func newRouters(byPath map[string]*pyFile) *routers {
	return &routers{
		byPath: byPath, roots: map[routerID]bool{}, own: map[routerID]string{}, unknown: map[routerID]bool{},
		parents: map[routerID][]include{}, mounted: map[routerID]bool{},
	}
}

// id is what a name in a file refers to: a variable of it, or of the file it
// is imported from.
func (g *routers) id(f *pyFile, name string) routerID {
	head, rest, dotted := strings.Cut(name, ".")
	imp, ok := f.imports[head]
	switch {
	case !ok:
	case dotted && imp.name == "": // import app.users; users.router
		if p := f.resolve(imp.module, g.byPath); p != "" {
			return routerID{p, rest}
		}
	case dotted: // from app import users; users.router
		if p := f.resolve(join(imp.module, imp.name), g.byPath); p != "" {
			return routerID{p, rest}
		}
	case imp.name != "": // from app.users import router
		if p := f.resolve(imp.module, g.byPath); p != "" {
			return routerID{p, imp.name}
		}
	}
	// import app.users (no "as"); app.users.router
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		if imp, ok := f.imports[name[:i]]; ok && imp.name == "" {
			if p := f.resolve(imp.module, g.byPath); p != "" {
				return routerID{p, name[i+1:]}
			}
		}
	}
	return routerID{f.path, name}
}

// join puts a module and a name of it together: "." + "users" is ".users".
func join(module, name string) string {
	if strings.HasSuffix(module, ".") {
		return module + name
	}
	return module + "." + name
}

func (g *routers) readFile(f *pyFile) {
	for i := 0; i < len(f.toks); i++ {
		if f.toks[i].kind != pyName || f.attribute(i) {
			continue
		}
		name, next := f.dotted(i)
		if f.at(next) != "(" {
			continue
		}
		switch full, _ := f.means(name); {
		case full == "fastapi.APIRouter" || full == "fastapi.routing.APIRouter" || f.constructor(name) != "":
			variable, ok := f.assigned(i)
			if !ok {
				continue
			}
			id := routerID{f.path, variable}
			if f.constructor(name) != "" {
				g.roots[id] = true
				continue
			}
			if it, ok := argument(f.items(next), "prefix", -1); ok {
				if g.own[id], ok = f.literal(it.lo, it.hi); !ok {
					g.unknown[id] = true
				}
			} else {
				g.own[id] = ""
			}
		case strings.HasSuffix(name, ".include_router"), strings.HasSuffix(name, ".mount"):
			parent := g.id(f, name[:strings.LastIndexByte(name, '.')])
			items := f.items(next)
			mount := strings.HasSuffix(name, ".mount")
			key, position := "router", 0
			if mount {
				key, position = "app", 1
			}
			what, ok := argument(items, key, position)
			if !ok {
				continue
			}
			child, end := f.dotted(what.lo)
			if child == "" || end != what.hi {
				continue // StaticFiles(…) and the like
			}
			inc := include{parent: parent, known: true}
			key, position = "prefix", -1
			if mount {
				key, position = "path", 0
			}
			if it, ok := argument(items, key, position); ok {
				inc.prefix, inc.known = f.literal(it.lo, it.hi)
			}
			id := g.id(f, child)
			if mount {
				g.mounted[id] = true
			}
			g.parents[id] = append(g.parents[id], inc)
		}
	}
}

// prefixes are the ways by which a router can be reached: what stands before
// its routes, and whether that begins at the root of the application.
func (g *routers) prefixes(id routerID, depth int) []include {
	if g.unknown[id] || depth == 0 {
		return []include{{}}
	}
	own := g.own[id]
	if g.roots[id] && len(g.parents[id]) == 0 {
		return []include{{prefix: own, known: true}}
	}
	var out []include
	for _, inc := range g.parents[id] {
		if !inc.known {
			out = append(out, include{prefix: own})
			continue
		}
		for _, up := range g.prefixes(inc.parent, depth-1) {
			up.prefix = strings.TrimSuffix(up.prefix, "/") + inc.prefix + own
			if out = append(out, up); len(out) >= 20 {
				return out
			}
		}
	}
	if len(out) == 0 {
		return []include{{prefix: own}}
	}
	return out
}

// routes finds the routes that a policy treats in a way of their own.
func (l *look) routes(f *pyFile, g *routers) {
	for i := 0; i < len(f.toks); i++ {
		t := f.toks[i]
		switch {
		case t.first && f.at(i) == "@":
			name, next := f.dotted(i + 1)
			dot := strings.LastIndexByte(name, '.')
			if dot < 0 || f.at(next) != "(" {
				continue
			}
			method := methodOf(f, name[dot+1:], f.items(next))
			if method == "" {
				continue
			}
			it, ok := argument(f.items(next), "path", 0)
			if !ok {
				continue
			}
			l.route(f, g, g.id(f, name[:dot]), f.place(i+1), method, it, f.takesUpload(f.closing(next)+1))
		case t.kind == pyName && f.attribute(i) && (t.text == "add_api_route" || t.text == "add_api_websocket_route" || t.text == "add_websocket_route" || t.text == "add_route"):
			if f.at(i+1) != "(" {
				continue
			}
			items := f.items(i + 1)
			if it, ok := argument(items, "path", 0); ok {
				method := methodOf(f, t.text, items)
				l.route(f, g, g.id(f, f.at(i-2)), f.place(i), method, it, false)
			}
		case t.kind == pyName && (t.text == "Route" || t.text == "WebSocketRoute") && f.at(i+1) == "(":
			if full, _ := f.means(t.text); !strings.HasPrefix(full, "starlette.routing.") {
				continue
			}
			items := f.items(i + 1)
			if it, ok := argument(items, "path", 0); ok {
				// A list of routes, maybe within a Mount: the end of a path.
				l.route(f, g, routerID{}, f.place(i), methodOf(f, t.text, items), it, false)
			}
		case t.kind == pyName && t.text == "OAuth2PasswordBearer" && f.at(i+1) == "(":
			// It names the path to which the password is sent.
			if it, ok := argument(f.items(i+1), "tokenUrl", 0); ok {
				if s, ok := f.literal(it.lo, it.hi); ok && !strings.Contains(s, "://") {
					keep(&l.found.Logins, Route{Place: f.place(i), Method: "POST", Path: "/" + strings.TrimPrefix(s, "/")})
				}
			}
		}
	}
}

// methodOf says what a decorator or function registers a route for; "" if it
// registers none.
func methodOf(f *pyFile, word string, items []item) string {
	switch word {
	case "get", "post", "put", "patch", "delete":
		return strings.ToUpper(word)
	case "websocket", "websocket_route", "add_api_websocket_route", "add_websocket_route", "WebSocketRoute":
		return "WEBSOCKET"
	case "api_route", "route", "add_api_route", "add_route", "Route":
		it, ok := argument(items, "methods", -1)
		if !ok {
			if word == "api_route" || word == "add_api_route" {
				return "GET" // FastAPI's default
			}
			return "ANY"
		}
		methods, _ := f.literals(it.lo, it.hi)
		if len(methods) == 1 {
			return strings.ToUpper(methods[0].Value)
		}
		return "ANY"
	}
	return ""
}

// takesUpload says whether the function that is decorated before token i has
// a parameter for a file.
func (f *pyFile) takesUpload(i int) bool {
	for ; i < len(f.toks) && f.at(i) == "@"; i++ { // more decorators
		for i+1 < len(f.toks) && !f.toks[i+1].first {
			i++
		}
	}
	if f.at(i) == "async" {
		i++
	}
	if f.at(i) != "def" || f.at(i+2) != "(" {
		return false
	}
	for j, end := i+3, f.closing(i+2); j < end; j++ {
		if full, _ := f.means(f.at(j)); full == "fastapi.UploadFile" || full == "fastapi.File" || full == "starlette.datastructures.UploadFile" || strings.HasPrefix(full, "fastapi.") && strings.HasSuffix(full, ".UploadFile") {
			return true
		}
		if full, next := f.dotted(j); next > j+1 {
			if full, _ = f.means(full); full == "fastapi.UploadFile" || full == "fastapi.File" {
				return true
			}
		}
	}
	return false
}

// route notes a route, once for every way by which it is reached.
func (l *look) route(f *pyFile, g *routers, router routerID, at Place, method string, path item, upload bool) {
	text, ok := f.literal(path.lo, path.hi)
	if !ok {
		if upload || method == "WEBSOCKET" {
			l.unclear(at, "the path of a route is computed")
		}
		return
	}
	ways := []include{{}}
	if router != (routerID{}) {
		ways = g.prefixes(router, 10)
	}
	for _, way := range ways {
		r := Route{Place: at, Method: method, Path: strings.TrimSuffix(way.prefix, "/") + text, Whole: way.known}
		if way.prefix != "" && text == "" {
			r.Path = way.prefix
		}
		if method == "WEBSOCKET" {
			keep(&l.found.WebSockets, r)
		}
		if upload {
			keep(&l.found.Uploads, r)
		}
		if takesCredentials(r) {
			keep(&l.found.Logins, r)
		}
	}
}

// takesCredentials says whether a route looks like one at which passwords or
// codes are tried.
func takesCredentials(r Route) bool {
	if r.Method != http.MethodPost && r.Method != http.MethodPut && r.Method != "ANY" {
		return false
	}
	words := []string{"login", "log-in", "signin", "sign-in", "token", "tokens", "access-token", "auth", "authenticate", "oauth", "session", "sessions",
		"password", "reset-password", "forgot-password", "password-reset", "password-recovery", "otp", "mfa", "2fa", "totp", "verify-code"}
	for _, part := range strings.Split(r.Path, "/") {
		if slices.Contains(words, strings.ReplaceAll(strings.ToLower(part), "_", "-")) {
			return true
		}
	}
	return false
}
