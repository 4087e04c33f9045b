package crawl

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// starts are where a crawl begins.
func starts() []string {
	return []string{
		"/", "/robots.txt", "/sitemap.xml", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/api-catalog",
		"/api", "/api/v1", "/api/v2", "/v1", "/v2", "/rest",
	}
}

// usual are what many APIs have.
func usual() []string {
	return []string{"/health", "/healthz", "/status", "/version", "/info"}
}

// collections are names that many APIs have below their roots.
func collections() []string {
	return []string{"users", "me", "login", "register", "items", "products", "orders", "posts", "articles", "tasks", "todos", "books", "customers", "accounts", "search"}
}

var versioned = lazy.Regexp(`^v\d+$`)

// below are the roots that collections are looked for under: the usual ones,
// and what paths that were found begin with.
func below(found []string) []string {
	out := []string{"", "/api"}
	for _, p := range found {
		root := ""
		for i, s := range strings.Split(strings.Trim(p, "/"), "/") {
			if i > 2 || s != "api" && s != "rest" && !versioned().MatchString(s) {
				break
			}
			root += "/" + s
		}
		if !slices.Contains(out, root) && len(out) < 4 {
			out = append(out, root)
		}
	}
	return out
}
