package headers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// Loosened returns every place where p is weaker than the zero Policy.
func (p Policy) Loosened() []guard.Loosening {
	c, _ := compile(p) // what is wrong with p, New says
	var list []guard.Loosening
	add := func(rule, key, effect string) {
		l := guard.Loosening{Rule: rule, Key: key, Effect: effect}
		if !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	for _, r := range rules(nil) {
		switch r.ID {
		case "headers/no-store":
			if p.NoStore.AllowCachedPaths {
				add(r.ID, "headers.no_store.allow_cached_paths", r.effect)
			} else if len(p.NoStore.Paths) > 0 && !c.mustNotStore(nil, "/api/x") {
				add(r.ID, "headers.no_store.paths", "caches may keep what is below /api/")
			}
			for i, prof := range c.byRoute {
				if prof.ownsCache {
					add(r.ID, fmt.Sprintf("headers.routes[%d]", i), "no-store is not forced on "+c.policy.Routes[i].Path)
				}
			}
		case "headers/no-store-authenticated":
			if p.NoStore.AllowCachedAuthenticated {
				add(r.ID, "headers.no_store.allow_cached_authenticated", r.effect)
			}
		case "headers/server-token":
			for _, prof := range append([]*profile{c.base}, c.byRoute...) {
				for _, e := range prof.entries {
					if slices.Contains(disclosing(), e.name) && e.verb != verbRemove {
						add(r.ID, e.key, e.name+" tells what answers")
					}
				}
			}
		default:
			c.weaker(r, c.base, "", add)
			for i, prof := range c.byRoute {
				c.weaker(r, prof, fmt.Sprintf("headers.routes[%d]", i), add)
			}
		}
	}
	return list
}

// weaker reports the keys that keep a profile from a rule's strictest level.
func (c *compiled) weaker(r rule, prof *profile, route string, add func(rule, key, effect string)) {
	h := hostile()
	one := compiled{policy: c.policy, base: prof} // without routes, so that prof is everywhere
	one.apply(h, &exchange{url: &url.URL{Path: "/"}, path: "/", secure: true, nonce: new(nonce)}, nil)
	if got, _ := r.levels[0].judge(h, true); got == "" {
		return
	}
	found := false
	for _, e := range prof.entries {
		if r.about(e.name) && e.key != "headers.preset" && !asStrict(e) {
			found = true
			add(r.ID, e.key, r.effect)
		}
	}
	if !found && (route == "" || c.policy.Preset == "") {
		key := "headers.preset"
		if route != "" {
			key = route + ".profile"
		}
		add(r.ID, key, r.effect)
	}
}

// asStrict reports whether an entry says what the strict preset says.
func asStrict(e entry) bool {
	return e.verb == verbSet && slices.ContainsFunc(preset(presetAPI), func(p pair) bool {
		return p.name == e.name && strings.EqualFold(p.value, e.value)
	})
}
