package trial

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// references are ids of other objects that a body must name: product_id is of
// what is posted to /products, product_ids are some of these.
func (t *Trial) references(ctx context.Context, s *openapi.Schema, who *identity.Identity, depth int) map[string]any {
	out := map[string]any{}
	if depth > maxNested {
		return out
	}
	t.refer(ctx, s, who, depth, 0, out)
	return out
}

func (t *Trial) refer(ctx context.Context, s *openapi.Schema, who *identity.Identity, depth, nested int, out map[string]any) {
	if s == nil || nested > 3 {
		return
	}
	for _, p := range s.All() {
		if !s.Needs(p.Name) && (len(s.OneOf) == 0 || !s.OneOf[0].Needs(p.Name)) {
			continue
		}
		if _, done := out[p.Name]; done || p.Schema == nil {
			continue
		}
		if to := t.recipient(p, who); to != "" {
			out[p.Name] = to
			continue
		}
		what, many, ok := nounOf(p.Name)
		if !ok {
			if code := t.code(ctx, p, who, depth); code != "" {
				out[p.Name] = code
				continue
			}
			t.refer(ctx, p.Schema, who, depth, nested+1, out)
			t.refer(ctx, p.Schema.Items, who, depth, nested+1, out)
			continue
		}
		id := t.reference(ctx, what, who, depth)
		item := p.Schema
		if many && item.Items != nil {
			item = item.Items
		}
		switch {
		case id == "":
		case many:
			out[p.Name] = []any{Typed(id, item)}
		default:
			out[p.Name] = Typed(id, item)
		}
	}
}

// recipient is what another user is called where a member says who gets
// something: recipient_email, to_username.
func (t *Trial) recipient(p openapi.Property, who *identity.Identity) string {
	first, second, ok := strings.Cut(p.Name, "_")
	if i := strings.IndexFunc(p.Name, unicode.IsUpper); !ok && i > 0 {
		first, second = p.Name[:i], p.Name[i:] // toEmail
	}
	words := []string{strings.ToLower(first), strings.ToLower(second)}
	if second == "" || !slices.Contains([]string{"to", "recipient", "receiver", "payee", "beneficiary", "target"}, words[0]) {
		return ""
	}
	other := t.mate(who)
	if other == nil {
		return ""
	}
	switch words[1] {
	case "email", "mail":
		if other.Email == "" && other.Login != nil && strings.Contains(other.Login.Username, "@") {
			return other.Login.Username
		}
		return other.Email
	case "username", "user", "login":
		if other.Username == "" && other.Login != nil {
			return other.Login.Username
		}
		return other.Username
	}
	return ""
}

// code is what something is called by that is there and that anybody may name:
// berth_code is the code of a berth of GET /berths.
func (t *Trial) code(ctx context.Context, p openapi.Property, who *identity.Identity, depth int) string {
	i := strings.LastIndexByte(p.Name, '_')
	for j := len(p.Name) - 1; i < 0 && j > 0; j-- {
		if p.Name[j] >= 'A' && p.Name[j] <= 'Z' {
			i = j - 1 // berthCode
		}
	}
	if i <= 0 || !p.Schema.Is("string") || p.Schema.Format != "" || len(p.Schema.Enum) > 0 {
		return ""
	}
	what, word := strings.Trim(p.Name[:i+1], "_"), strings.ToLower(strings.Trim(p.Name[i+1:], "_"))
	if !slices.Contains([]string{"code", "slug", "ref", "reference", "sku", "number", "symbol"}, word) || private(what) {
		return ""
	}
	if l := t.collection(http.MethodGet, what); l != nil {
		m, _ := t.firstItem(ctx, l, who, depth+1).(map[string]any)
		return cmp.Or(scalar(m[word]), scalar(m[p.Name]))
	}
	return ""
}

// reference is the id of an object: an own one, or one that is there and that
// anybody may name, such as a product.
func (t *Trial) reference(ctx context.Context, what string, who *identity.Identity, depth int) string {
	creator := t.collection(http.MethodPost, what)
	// An account is who calls, unless it is one of a bank, which they make.
	if person(what) && who.ID != "" && (creator == nil || creator == who.Registered || !creator.Secured()) {
		return who.ID
	}
	if creator != nil && !t.o.ReadOnly {
		o, err := t.create(ctx, creator, who, depth+1)
		if err != nil && !person(what) {
			o, err = t.lent(ctx, creator, who, err, depth+1)
		}
		if err == nil {
			return o.ID
		}
	}
	if private(what) {
		return ""
	}
	if l := t.collection(http.MethodGet, what); l != nil {
		return t.firstOf(ctx, l, "id", who, depth+1)
	}
	return ""
}

// private tells whether what a noun names is somebody's: to name another's
// might change it.
func private(what string) bool {
	return person(what) || slices.Contains([]string{"wallet", "card", "payment", "tenant", "organization", "organisation", "order", "cart"}, noun(what))
}

// named is the id of an object that a parameter of the query or of the header
// is, as that of a body would be: card_id of GET /card-status is of what is
// posted to /cards, and so is X-Card-Id. Nil when it names none. No object is
// made for a parameter that may be left out, and nothing is written about what
// is somebody's and not one's own.
func (t *Trial) named(ctx context.Context, op *openapi.Operation, p *openapi.Param, who *identity.Identity, depth int) (any, error) {
	if p.In != "query" && p.In != "header" || depth > maxNested || p.Schema != nil && len(p.Schema.Enum) > 0 {
		return nil, nil
	}
	what, many, ok := nounOf(p.Member())
	creator := t.collection(http.MethodPost, what)
	if !ok || creator == op {
		return nil, nil
	}
	var id string
	switch {
	case p.Required:
		id = t.reference(ctx, what, who, depth)
	case person(what):
		id = who.ID
	default:
		id = t.latest(creator, who)
	}
	item := p.Schema
	if many && item != nil && item.Items != nil {
		item = item.Items
	}
	switch v := Typed(id, item); {
	case id == "" && p.Required && op.Writes() && private(what):
		return nil, reasonf("no object could be made that %s may change", op.Name())
	case id == "" || !idFits(item, v):
		return nil, nil
	case many && item != p.Schema:
		return []any{v}, nil
	default:
		return v, nil
	}
}

// latest is the id of the last object of an identity that a creator made.
func (t *Trial) latest(creator *openapi.Operation, who *identity.Identity) string {
	for _, o := range slices.Backward(t.Objects()) {
		if creator != nil && o.Creator == creator && o.Who.Name == who.Name && !o.Gone {
			return o.ID
		}
	}
	return ""
}

// idFits tells whether a schema allows an id: what only sounds like the name of
// an object is left as it was.
func idFits(s *openapi.Schema, id any) bool {
	if s == nil || len(s.Types) == 0 {
		return true
	}
	if text, ok := id.(string); ok {
		return s.Is("string") && (s.Format != "uuid" || len(text) == 36)
	}
	return s.Is("integer") || s.Is("number")
}

// Typed is an id as a schema wants it.
func Typed(id string, s *openapi.Schema) any {
	if s == nil {
		return id
	}
	if s.Is("integer") && !s.Is("string") || len(s.Types) > 0 && slices.Contains(s.Types, "integer") {
		var n int64
		if _, err := fmt.Sscan(id, &n); err == nil {
			return n
		}
	}
	return id
}

// below is the id of an object that is there, for what makes another one below
// it: a review of a book of the shop. Nothing of the object is changed. It is
// empty where the object is one that who asks could have made, where the last
// part of the path is something that is done to it, and where the API is not of
// this machine.
func (t *Trial) below(ctx context.Context, op *openapi.Operation, name string, who *identity.Identity, refused error, depth int) string {
	_, rest, more := strings.Cut(op.Path, "/{"+name+"}/")
	if op.Method != http.MethodPost || !more || strings.ContainsAny(rest, "/{") || !t.Near() || t.o.ReadOnly {
		return ""
	}
	if refused != nil && !turnedAway(refused) {
		return ""
	}
	lists := slices.ContainsFunc(t.Operations, func(o *openapi.Operation) bool {
		return o.Method == http.MethodGet && strings.TrimSuffix(o.Path, "/") == strings.TrimSuffix(op.Path, "/")
	})
	created := op.Response(http.StatusCreated)
	if !lists && len(t.idNames(op)) == 0 && (created == nil || created.Status != "201" || noun(rest) == rest) {
		return "" // POST /events/{id}/close makes nothing
	}
	return t.listed(ctx, op, name, who, depth+1)
}
