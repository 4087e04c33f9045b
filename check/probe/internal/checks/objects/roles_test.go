package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// A freight has loads, which shippers make and all see, and below them what
// carriers add. Each fault can be put into it on its own.
type freight struct {
	noun               string // of what is added: bids, replies
	readAny, writeAny  bool
	listed, listedAll  bool
	closed             bool // a load is for whoever made it and the first carrier
	truckAny, givenAny bool
	tripAny            bool   // trips are changed by all carriers
	author             string // the member that says whose it is
	loads, added, mine map[string]map[string]any
	trips              map[string]map[string]any
}

func (f *freight) document() string {
	param := func(names ...string) string {
		var out []string
		for _, name := range names {
			out = append(out, `{"name":"`+name+`","in":"path","required":true,"schema":{"type":"string"}}`)
		}
		return `"parameters":[` + strings.Join(out, ",") + `],`
	}
	body := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{}`
	list := ""
	if f.listed {
		list = `"get":{"responses":{}},`
	}
	return `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/loads":{"get":{"responses":{}},"post":{` + body + `}},
"/loads/{load_id}":{` + param("load_id") + `"get":{"responses":{}},"patch":{` + body + `},"delete":{"responses":{}}},
"/loads/{load_id}/` + f.noun + `":{` + param("load_id") + list + `"post":{` + body + `}},
"/loads/{load_id}/` + f.noun + `/{part_id}":{` + param("load_id", "part_id") + `"get":{"responses":{}},"patch":{` + body + `},"delete":{"responses":{}}},
"/trucks":{"post":{` + body + `}},"/trucks/{truck_id}":{` + param("truck_id") + `"get":{"responses":{}},"delete":{"responses":{}}},
"/trips":{"post":{` + body + `}},"/trips/{trip_id}":{` + param("trip_id") + `"get":{"responses":{}},"patch":{` + body + `}},
"/payouts":{"get":{"responses":{}}},"/payouts/{payout_id}":{` + param("payout_id") + `"get":{"responses":{}}}}}`
}

func (f *freight) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	role, _, _ := strings.Cut(user, "-")
	in := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&in)
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	wants := map[string]string{"trucks": "carrier"}[part[0]]
	if len(part) > 2 || part[0] == "trips" && r.Method == http.MethodPatch {
		wants = "carrier"
	} else if part[0] == "loads" && r.Method != http.MethodGet {
		wants = "shipper"
	}
	add := func(to map[string]map[string]any) {
		by := "by"
		if len(part) > 2 {
			by = f.author
		}
		id := fmt.Sprintf("%s-%d", part[0], len(f.loads)+len(f.added)+len(f.mine)+len(f.trips)+1)
		to[id] = map[string]any{"id": id, "text": in["text"], by: user}
		answer(201, to[id])
	}
	one := func(of map[string]map[string]any, id string, read, write bool) {
		x := of[id]
		own := x != nil && (x["by"] == user || x[f.author] == user)
		switch {
		case x == nil, !own && (r.Method == http.MethodGet && !read || r.Method != http.MethodGet && !write):
			answer(404, nil)
		case r.Method == http.MethodDelete:
			delete(of, id)
			answer(204, nil)
		case r.Method == http.MethodPatch:
			x["text"] = in["text"]
			fallthrough
		default:
			answer(200, x)
		}
	}
	all := func(of map[string]map[string]any, shared bool) {
		out := []any{}
		for _, x := range of {
			if shared || x["by"] == user || x[f.author] == user {
				out = append(out, x)
			}
		}
		answer(200, out)
	}
	switch {
	case user == "":
		answer(401, nil)
	case wants != "" && role != wants:
		answer(403, nil)
	case r.URL.Path == "/payouts" && role != "carrier":
		answer(200, []any{})
	case r.URL.Path == "/payouts":
		answer(200, []any{map[string]any{"id": "p-" + user, "sum": 4}})
	case part[0] == "payouts":
		if !strings.HasPrefix(part[1], "p-carrier") || part[1] != "p-"+user && !f.givenAny {
			answer(404, nil)
			return
		}
		answer(200, map[string]any{"id": part[1], "sum": 4})
	case r.URL.Path == "/trips":
		add(f.trips)
	case part[0] == "trips":
		one(f.trips, part[1], false, f.tripAny)
	case r.URL.Path == "/trucks":
		add(f.mine)
	case part[0] == "trucks":
		one(f.mine, part[1], f.truckAny, false)
	case len(part) == 1 && r.Method == http.MethodPost:
		add(f.loads)
	case len(part) == 1:
		all(f.loads, !f.closed)
	case len(part) == 2:
		one(f.loads, part[1], !f.closed || user == "carrier-1", false)
	case f.loads[part[1]] == nil:
		answer(404, nil)
	case len(part) == 3 && r.Method == http.MethodPost:
		add(f.added)
	case len(part) == 3:
		all(f.added, f.listedAll)
	default:
		one(f.added, part[3], f.readAny, f.writeAny)
	}
}

// TestPairsOfRoles compares users of the role that may do something, also below what
// another role makes: that is not theirs, and what they add to it is.
func TestPairsOfRoles(t *testing.T) {
	const read, write = "GET /loads/{load_id}/bids/{part_id}", "PATCH /loads/{load_id}/bids/{part_id}"
	for _, c := range []struct {
		name string
		f    freight
		want map[string]trial.Verdict // of what is not fine; by check and operation
	}{
		{"kept apart", freight{noun: "bids", listed: true}, nil},
		{"kept apart, not listed", freight{noun: "bids"}, nil},
		{"notes kept apart", freight{noun: "notes", author: "user_id", listed: true}, nil},
		{"read by all, listed to each", freight{noun: "bids", listed: true, readAny: true}, map[string]trial.Verdict{"bola-read " + read: trial.Fail}},
		{"changed by all, listed to each", freight{noun: "bids", listed: true, writeAny: true}, map[string]trial.Verdict{"bola-write " + write: trial.Fail, "bola-write DELETE /loads/{load_id}/bids/{part_id}": trial.Fail}},
		{"read by all on a load that is not", freight{noun: "bids", closed: true, author: "user_id", readAny: true}, map[string]trial.Verdict{"bola-read " + read: trial.Fail}},
		// What several say to a customer may be for all of them.
		{"replies for all", freight{noun: "replies", author: "user_id", readAny: true}, map[string]trial.Verdict{"bola-read GET /loads/{load_id}/replies/{part_id}": trial.Suspect}},
		{"messages for all", freight{noun: "messages", author: "user_id", readAny: true, listed: true, listedAll: true}, map[string]trial.Verdict{
			"bola-read GET /loads/{load_id}/messages/{part_id}": trial.Suspect, "lists-scoped GET /loads/{load_id}/messages": trial.Suspect,
		}},
		{"trucks read by all", freight{noun: "bids", truckAny: true}, map[string]trial.Verdict{"bola-read GET /trucks/{truck_id}": trial.Fail}},
		{"trips changed by all", freight{noun: "bids", tripAny: true}, map[string]trial.Verdict{"bola-write PATCH /trips/{trip_id}": trial.Fail}},
		{"payouts read by all", freight{noun: "bids", givenAny: true}, map[string]trial.Verdict{"bola-read GET /payouts/{payout_id}": trial.Suspect}},
	} {
		f := c.f
		f.loads, f.added, f.mine, f.trips = map[string]map[string]any{}, map[string]map[string]any{}, map[string]map[string]any{}, map[string]map[string]any{}
		if f.author == "" {
			f.author = "by"
		}
		var ids []*identity.Identity
		for _, name := range []string{"shipper-1", "shipper-2", "carrier-1", "carrier-2", "admin-1"} {
			role, _, _ := strings.Cut(name, "-")
			ids = append(ids, who(name, role, ""))
		}
		seen := map[string]trial.Verdict{}
		told := map[string]bool{}
		for _, r := range run(t, &f, f.document(), "", false, ids...) {
			key := strings.TrimPrefix(r.Check.ID, "probe/") + " " + r.Operation
			told[key] = r.Verdict == trial.Pass || told[key]
			// A fault that is there may be seen by others, too.
			if r.Verdict == trial.Fail || r.Verdict == trial.Suspect {
				seen[key] = r.Verdict
				if c.want[key] != r.Verdict {
					t.Errorf("%s: %s: %v %s", c.name, key, r.Verdict, r.Got)
				}
			}
		}
		for key, v := range c.want {
			if seen[key] != v {
				t.Errorf("%s: %s: %v, want %v", c.name, key, seen[key], v)
			}
		}
		for _, key := range []string{"bola-read " + read, "bola-write " + write, "bola-read GET /trucks/{truck_id}", "bola-write PATCH /trips/{trip_id}"} {
			if len(c.want) == 0 && f.noun == "bids" && !told[key] {
				t.Errorf("%s: nothing is told of %s", c.name, key)
			}
		}
	}
}

// TestInsteadOfRoles: what a user made is not held for an administrator's.
func TestInsteadOfRoles(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/posts":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{}}},
"/posts/{post_id}/review":{"parameters":[{"name":"post_id","in":"path","required":true,"schema":{"type":"string"}}],"post":{"tags":["admin"],"responses":{}}}}}`
	for _, maker := range []string{"user", "admin"} {
		made := []string{}
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
			w.Header().Set("Content-Type", "application/json")
			switch {
			case user == "":
				w.WriteHeader(401)
			case len(part) == 1 && !strings.HasPrefix(user, maker):
				w.WriteHeader(403)
			case len(part) == 1:
				made = append(made, fmt.Sprintf("p%d", len(made)))
				_ = json.NewEncoder(w).Encode(map[string]any{"id": made[len(made)-1]})
			case !slices.Contains(made, part[1]):
				w.WriteHeader(404)
			}
		})
		results := run(t, api, doc, "probe/function-level", false, who("user-1", "user", ""), who("admin-1", "admin", ""))
		want := map[string]trial.Verdict{"user": trial.Suspect, "admin": trial.Fail}[maker] // by its tag alone
		if r, ok := find(results, "POST /posts/{post_id}/review"); !ok || r.Verdict != want {
			t.Errorf("made by %s: %v %s, want %v", maker, r.Verdict, r.Got, want)
		}
	}
}

// TestQuota: whoever may make no more gets another's to work on, and that is
// not held for its own.
func TestQuota(t *testing.T) {
	param := `"parameters":[{"name":"page_id","in":"path","required":true,"schema":{"type":"string"}}],`
	body := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}}}},"responses":{}`
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/pages":{"post":{` + body + `}},"/pages/{page_id}":{` + param + `"get":{"responses":{}},"patch":{` + body + `}}}}`
	quota, owners, texts := 0, map[string]string{}, map[string]any{}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		id := last(r.URL.Path)
		in := map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&in)
		w.Header().Set("Content-Type", "application/json")
		many := 0
		for _, owner := range owners {
			if owner == user {
				many++
			}
		}
		switch {
		case user == "":
			w.WriteHeader(401)
			return
		case r.Method == http.MethodPost && user != "admin-1" && many == quota:
			w.WriteHeader(403)
			return
		case r.Method == http.MethodPost:
			id = fmt.Sprintf("p%d", len(owners))
			owners[id] = user
			texts[id] = in["text"]
		case owners[id] != user && owners[id] != "admin-1": // whose pages are everybody's
			w.WriteHeader(404)
			return
		case r.Method == http.MethodPatch:
			texts[id] = in["text"]
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "text": texts[id], "owner": owners[id]})
	})
	for quota = range 12 { // it may be used up at any time
		clear(owners)
		for _, r := range run(t, api, doc, "probe/bola-write", false, who("user-1", "user", ""), who("user-2", "user", ""), who("admin-1", "admin", "")) {
			if r.Verdict == trial.Fail {
				t.Errorf("%d: %s: %s", quota, r.Operation, r.Got)
			}
		}
	}
}
