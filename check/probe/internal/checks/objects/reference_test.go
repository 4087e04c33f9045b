package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// bank keeps cards, and is asked for them in other places than paths. What it
// calls them is the collection's name.
type bank struct {
	noun     string
	any      bool // others are told of a card by these
	constant bool // whatever is asked for
	bare     bool // a card has no texts of the client's
	dated    bool // all that it has of its own is when it was made
	unowned  bool // nor an owner
	shown    bool // its path shows a card to all
	pathless bool // no path names a card
	cards    []map[string]any
}

func (b *bank) document() string {
	param := func(in, name string) string {
		return `"parameters":[{"name":"` + name + `","in":"` + in + `","required":true,"schema":{"type":"string"}}],`
	}
	paths := []string{
		`"/` + b.noun + `":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["label"],"properties":{"label":{"type":"string"}}}}}},"responses":{}}}`,
		`"/query":{"get":{` + param("query", b.noun[:len(b.noun)-1]+"_id") + `"responses":{}}}`,
		`"/prefixed":{"get":{` + param("query", "from_"+b.noun[:len(b.noun)-1]+"_id") + `"responses":{}}}`,
		`"/header":{"get":{` + param("header", "X-"+b.noun[:len(b.noun)-1]+"-Id") + `"responses":{}}}`,
	}
	if !b.pathless {
		paths = append(paths, `"/`+b.noun+`/{id}":{"get":{`+param("path", "id")+`"responses":{}}}`)
	}
	return `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{` + strings.Join(paths, ",") + `}}`
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	if user == "" {
		answer(401, nil)
		return
	}
	if r.Method == http.MethodPost {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		n := len(b.cards)
		c := map[string]any{"id": fmt.Sprintf("c-%d", n), "state": "active", "kind": "debit", "number": fmt.Sprintf("4000-%04d", n), "label": body["label"], "owner_id": user}
		if b.bare {
			c["label"] = "card"
		}
		if b.dated {
			c["number"], c["updated_at"] = "none yet", fmt.Sprintf("2026-01-01T00:00:%02d", n)
		}
		if b.unowned {
			delete(c, "owner_id")
		}
		b.cards = append(b.cards, c)
		answer(201, c)
		return
	}
	q := r.URL.Query()
	one := strings.TrimSuffix(b.noun, "s")
	id := q.Get(one+"_id") + q.Get("from_"+one+"_id") + r.Header.Get("X-"+one+"-Id") + strings.TrimPrefix(r.URL.Path, "/"+b.noun+"/")
	i := slices.IndexFunc(b.cards, func(c map[string]any) bool { return strings.HasPrefix(id, fmt.Sprint(c["id"])+"/") || id == c["id"] })
	named := strings.HasPrefix(r.URL.Path, "/"+b.noun+"/")
	switch {
	case b.constant && !named:
		answer(200, map[string]any{"state": "active", "kind": "debit"})
	case i < 0 || b.cards[i]["owner_id"] != user && !b.unowned && (!b.any || named) && (!b.shown || !named):
		answer(404, nil)
	case b.bare && !named && r.URL.Path != "/query":
		answer(200, map[string]any{"state": "active", "kind": "debit"})
	default:
		answer(200, b.cards[i])
	}
}

// TestReference: a card is its owner's alone wherever its id is.
func TestReference(t *testing.T) {
	for _, c := range []struct {
		name, operation string
		api             bank
		want            trial.Verdict
	}{
		{"by its texts", "GET /query", bank{any: true}, trial.Fail},
		{"of a longer name", "GET /prefixed", bank{any: true}, trial.Fail},
		{"in the header", "GET /header", bank{any: true}, trial.Fail},
		{"by its number", "GET /query", bank{any: true, bare: true}, trial.Fail},
		{"of which there is nothing but the kind", "GET /prefixed", bank{any: true, bare: true}, trial.Suspect},
		{"of which there is nothing but a time", "GET /query", bank{any: true, bare: true, dated: true}, trial.Suspect},
		{"that no path names", "GET /query", bank{any: true, pathless: true}, trial.Fail},
		{"of nobody", "GET /query", bank{noun: "colours", any: true, pathless: true, unowned: true}, trial.Suspect},

		{"refused by its texts", "GET /query", bank{}, trial.Pass},
		{"refused of a longer name", "GET /prefixed", bank{}, trial.Pass},
		{"refused in the header", "GET /header", bank{}, trial.Pass},
		{"refused by its number", "GET /query", bank{bare: true}, trial.Pass},
		{"refused that no path names", "GET /query", bank{pathless: true}, trial.Pass},
		{"what all may read", "GET /prefixed", bank{any: true, bare: true, shown: true}, trial.NotApplicable},
		{"what all are told", "GET /query", bank{constant: true, bare: true}, trial.NotApplicable},
	} {
		t.Run(c.name, func(t *testing.T) {
			api := c.api
			if api.noun == "" {
				api.noun = "cards"
			}
			results := run(t, &api, api.document(), "probe/bola-read", false, who("alice", "", ""), who("bob", "", ""))
			r, ok := find(results, c.operation)
			if ok == (c.want == trial.NotApplicable) || ok && r.Verdict != c.want {
				t.Errorf("%v %q %q, want %v", r.Verdict, r.Got, r.Reason, c.want)
			}
			if r.Verdict == trial.Fail && len(r.Shown) != 2 {
				t.Error("nothing shows it")
			}
		})
	}
}
