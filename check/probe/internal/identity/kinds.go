package identity

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// enrolTwo registers two users, if the API lets strangers do that, and two of
// each further kind that strangers may say they are: what is for carriers is not
// found by two shippers.
func enrolTwo(ctx context.Context, client *traffic.Client, doc *openapi.Document, seed uint64) ([]*Identity, []string, error) {
	if !asksWho(doc) {
		return nil, []string{"the document asks nobody who calls, so all is asked anonymously; if that is not so, give users with --auth FILE"}, nil
	}
	n := newEnrolment(client, doc, seed)
	if len(n.register) == 0 {
		return nil, []string{"no operation was found by which strangers register (a POST with a password); what is for users was not tested: give two users with --auth FILE"}, nil
	}
	kinds := n.kinds()
	first := ""
	if len(kinds) > 0 {
		first = kinds[0]
	}
	out, notes, err := n.some(ctx, client, first, "user-a", "user-b")
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return out, append(notes, fmt.Sprintf("%v; give two users with --auth FILE", err)), nil
	}
	for _, kind := range kinds[min(1, len(kinds)):] {
		more, how, err := n.some(ctx, client, kind, kind+"-a", kind+"-b")
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		out, notes = append(out, more...), append(notes, how...)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%v; what is for that role alone was not tested: give two users of it with --auth FILE", err))
			break // what refuses one of them, or limits how many there may be, is not asked on and on
		}
	}
	return out, notes, nil
}

// some registers users of a kind by their names. The error is about the first
// that could not be.
func (n *enrolment) some(ctx context.Context, client *traffic.Client, kind string, names ...string) (out []*Identity, notes []string, err error) {
	for _, name := range names {
		who, how, err := n.user(ctx, client, name, kind)
		if err != nil {
			return out, notes, fmt.Errorf("%s could not be registered: %w", name, err)
		}
		out, notes = append(out, who), append(notes, how)
	}
	return out, notes, nil
}

// mates registers one more user for each role that one alone has, where
// strangers may say that they are of it.
func (n *enrolment) mates(ctx context.Context, client *traffic.Client, who []*Identity) (out []*Identity, notes []string) {
	for _, kind := range n.kinds() {
		var of []*Identity
		name := kind + "-b"
		for _, i := range who {
			if strings.EqualFold(i.Role, kind) {
				of = append(of, i)
			}
			if strings.EqualFold(i.Name, name) {
				name += "2"
			}
		}
		if len(of) != 1 {
			continue
		}
		more, how, err := n.some(ctx, client, kind, name)
		if err != nil {
			return out, append(notes, err.Error())
		}
		more[0].Role = of[0].Role
		out, notes = append(out, more...), append(notes, how...)
	}
	return out, notes
}

// maxKinds bounds of how many kinds users are registered.
const maxKinds = 3

// kinds are what strangers may say that they are, by the operation that most
// likely registers them: shipper and carrier. There are none where they have no
// choice, or none but to be an administrator.
func (n *enrolment) kinds() []string {
	if len(n.register) == 0 {
		return nil
	}
	for _, m := range members(n.register[0]) {
		if _, all := kindsIn(n.register[0], m); len(all) > 1 {
			return all[:min(len(all), maxKinds)]
		}
	}
	return nil
}

// kindsIn are the kinds that a member of a registration's body offers, the most
// ordinary first.
func kindsIn(op *openapi.Operation, member string) (s *openapi.Schema, all []string) {
	if !slices.Contains([]string{
		"role", "type", "kind", "userrole", "usertype", "userkind", "accounttype", "accountrole", "accountkind", "profiletype", "membertype", "customertype", "persona", "registeras", "signupas",
	}, strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(path.Base(member)))) {
		return nil, nil
	}
	s = op.Bodies[0].Schema
	for part := range strings.SplitSeq(member, "/") {
		s = s.Property(part)
	}
	if s == nil {
		return nil, nil
	}
	values := s.Enum
	if len(values) == 0 {
		for _, form := range s.OneOf { // a value, or null
			values = append(values, form.Enum...)
		}
	}
	for _, v := range values {
		if text, ok := v.(string); ok && text != "" {
			all = append(all, text)
		}
	}
	if m := alternatives.FindStringSubmatch(s.Pattern); len(all) == 0 && m != nil {
		all = strings.Split(m[1], "|")
	}
	all = slices.DeleteFunc(all, privileged)
	rank := func(kind string) int {
		switch {
		case humble(kind):
			return 0
		case s.Default == any(kind):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b string) int { return rank(a) - rank(b) })
	return s, all
}

// alternatives is a pattern that lists what may be said.
var alternatives = regexp.MustCompile(`^\^?(?:\((?:\?:)?)?\^?([A-Za-z][A-Za-z0-9_-]*(?:\|[A-Za-z][A-Za-z0-9_-]*)+)\$?\)?\$?$`)

// privileged tells whether a kind is none for strangers by its name. Whether it
// is given to them all the same, another check asks.
func privileged(kind string) bool {
	lower := strings.ToLower(kind)
	return (&Identity{Role: kind}).Admin() || slices.ContainsFunc([]string{"super", "system", "manager", "moderator", "support", "internal", "employee", "guest", "anonym"}, func(w string) bool { return strings.Contains(lower, w) })
}

// choose makes whoever registers one of a kind where a kind can be chosen, and
// an ordinary user where none is wanted but one must be. It returns the kind,
// if there are several.
func choose(fields map[string]any, op *openapi.Operation, kind string) (role string) {
	ordinary(fields, op.Bodies[0].Schema)
	for _, m := range members(op) {
		_, all := kindsIn(op, m)
		if len(all) == 0 {
			continue
		}
		at := fields
		outer, inner, nested := strings.Cut(m, "/")
		if nested {
			var ok bool
			if at, ok = fields[outer].(map[string]any); !ok {
				continue
			}
			outer = inner
		}
		i := slices.IndexFunc(all, func(k string) bool { return strings.EqualFold(k, kind) })
		_, asked := at[outer]
		switch {
		case i >= 0:
			at[outer] = all[i]
			if role == "" && len(all) > 1 {
				role = all[i]
			}
		case asked:
			at[outer] = all[0]
		}
	}
	return role
}

// ordinary makes whoever registers an ordinary user where a role must be
// chosen.
func ordinary(fields map[string]any, s *openapi.Schema) {
	for k := range fields {
		p := s.Property(k)
		if p == nil || len(p.Enum) == 0 || !strings.Contains(strings.ToLower(k), "role") && !strings.Contains(strings.ToLower(k), "type") {
			continue
		}
		for _, v := range p.Enum {
			if t, ok := v.(string); ok && humble(t) {
				fields[k] = v
				break
			}
		}
	}
}

// humble tells whether a kind is that of an ordinary user by its name.
func humble(kind string) bool {
	lower := strings.ToLower(kind)
	return !strings.Contains(lower, "super") && slices.ContainsFunc([]string{"user", "customer", "member", "client", "buyer", "viewer"}, func(w string) bool { return strings.Contains(lower, w) })
}
