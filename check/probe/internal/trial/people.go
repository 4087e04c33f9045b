package trial

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

// maxSpares bounds how many users are registered to be spent.
const maxSpares = 12

// Spare is a user that was registered to be spent: its session may be ended,
// its password changed, it may be locked out. The error says why there is
// none.
func (t *Trial) Spare(ctx context.Context) (*identity.Identity, error) {
	t.mu.Lock()
	t.spares++
	n := t.spares
	t.mu.Unlock()
	if n > maxSpares {
		return nil, reasonf("enough users were registered to be spent")
	}
	if t.o.ReadOnly {
		return nil, reasonf("nothing is written")
	}
	for _, i := range t.Identities {
		if !i.Registers() {
			continue
		}
		who, err := i.Another(ctx, t.Client, fmt.Sprintf("spare-%d", n))
		if err != nil {
			return nil, reasonf("no user could be registered to be spent: %v", err)
		}
		for name, value := range who.Secrets() {
			t.Hide(name, value)
		}
		t.account(who)
		return who, nil
	}
	return nil, reasonf("no user can be registered to be spent")
}

// account makes the account of a user that the probe registered an object of
// it.
func (t *Trial) account(who *identity.Identity) {
	if who.Registered == nil {
		return
	}
	t.mu.Lock()
	t.enrolled = append(t.enrolled, who)
	t.mu.Unlock()
	named := len(t.idNames(who.Registered)) > 0
	if who.ID == "" || who.Made == nil || !named && !t.namesUsers() {
		return
	}
	o := &Object{Collection: t.Document.Base + who.Registered.Path, Creator: who.Registered, ID: who.ID, Who: who, Made: who.Made, Account: true, named: named}
	for _, text := range []string{who.Email, who.Username} {
		if m := mark.FindString(text); m != "" && !slices.Contains(o.Marks, m) {
			o.Marks = append(o.Marks, m)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects = append(t.objects, o)
}

// Account is that of an identity; nil when the probe did not register it, or
// does not know its id.
func (t *Trial) Account(who *identity.Identity) *Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range t.objects {
		if o.Account && o.Who.Name == who.Name && !o.Gone {
			return o
		}
	}
	return nil
}

// person tells whether a name is that of a user.
func person(noun string) bool {
	return slices.Contains([]string{"user", "owner", "author", "customer", "member", "account", "creator", "person", "profile"}, singular(strings.ToLower(noun)))
}

// called is what an identity is called, where a parameter names users by
// that.
func called(who *identity.Identity, name string) string {
	switch strings.ReplaceAll(strings.ToLower(name), "_", "") {
	case "username", "login", "handle":
		return who.Username
	case "email", "useremail":
		return who.Email
	}
	return ""
}

// personal tells whether a parameter names a user.
func (t *Trial) personal(name string) bool {
	what, _, ok := nounOf(name)
	return ok && person(what) || person(name) || strings.EqualFold(name, "uid")
}

// userNoun is the noun of a parameter, or of the collection before it where the
// parameter is a bare id: user of /users/{id}.
func userNoun(op *openapi.Operation, name string) string {
	if what, _, ok := nounOf(name); ok {
		return noun(what)
	}
	switch strings.ToLower(name) {
	case "uid":
		return "user"
	case "id", "uuid", "pk":
		before, _, _ := strings.Cut(op.Path, "/{"+name+"}")
		return noun(path.Base(before))
	}
	return noun(name)
}

// namesUser tells whether a parameter is the id of an account beyond doubt. A
// customer or an account of another kind may have ids of its own, and a change
// to one of the same number would be to somebody else's.
func namesUser(op *openapi.Operation, name string) bool { return userNoun(op, name) == "user" }

// namesUsers tells whether an operation names accounts that no operation with a
// path of theirs makes.
func (t *Trial) namesUsers() bool {
	return slices.ContainsFunc(t.Operations, func(op *openapi.Operation) bool {
		return slices.ContainsFunc(op.PathParams(), func(name string) bool { return namesUser(op, name) && t.creator(op, name) == nil })
	})
}

// unseats tells whether what an operation does to an account may lock it out,
// or make it another one.
func unseats(op *openapi.Operation) bool {
	last := strings.ToLower(path.Base(strings.TrimSuffix(op.Path, "/")))
	if !op.Writes() || strings.HasPrefix(last, "{") {
		return false
	}
	return slices.ContainsFunc([]string{
		"suspend", "ban", "block", "lock", "disable", "deactivate", "activate", "enable", "inactive", "status", "state", "archive", "close", "delete", "remove", "erase", "anonymi", "revoke", "reject",
		"expel", "kick", "terminate", "role", "permission", "demote", "promote", "password", "reset", "logout", "session", "reinstate", "restore", "approve", "verif", "impersonate", "merge",
	}, func(w string) bool { return strings.Contains(last, w) })
}

// accountIn is whose account a parameter names where that is clear from what it
// is called: one's own, or one that was registered to be spent. ok is false
// where it names none.
func (t *Trial) accountIn(ctx context.Context, d *Draft, name string, creator *openapi.Operation) (value string, o *Object, ok bool, err error) {
	op, mine := d.Op, t.Account(d.Who)
	if v := called(d.Who, name); v != "" && op.Method != http.MethodDelete && !unseats(op) {
		// One's own account is the one that one may read and change.
		if mine != nil && creator == mine.Creator {
			return v, mine, true, nil
		}
		if creator == nil {
			return v, nil, true, nil
		}
	}
	own := mine != nil && (creator == mine.Creator || creator == nil && (mine.named && t.personal(name) || namesUser(op, name)))
	switch {
	case own && unseats(op), !own && creator == nil && unseats(op) && (namesUser(op, name) || byName(name)):
		// Whoever is in use must not be locked out, by itself or by another.
		spare, o, err := t.subject(ctx, op)
		switch {
		case err != nil:
			return "", nil, true, reasonf("no object could be made that %s may change", op.Name())
		case byName(name):
			return called(spare, name), o, true, nil
		}
		return o.ID, o, true, nil
	case own && (op.Method != http.MethodDelete || !slices.Contains(t.Identities, d.Who)):
		return mine.ID, mine, true, nil
	case own, creator == nil && op.Writes() && namesUser(op, name) && !d.Who.Enrolled:
		// An account that is in use is not deleted, by its owner or by another,
		// nor is one changed that was given.
		if o := t.another(ctx, d); o != nil {
			return o.ID, o, true, nil
		}
	}
	return "", nil, false, nil
}

// byName tells whether a parameter names users by what they are called.
func byName(name string) bool {
	return called(&identity.Identity{Username: "u", Email: "e"}, name) != ""
}

// another is the account of a user who was registered to be spent, in the place
// of one's own: that user is who asks then, unless an administrator does, or
// nobody.
func (t *Trial) another(ctx context.Context, d *Draft) *Object {
	var spare *identity.Identity
	var o *Object
	var err error
	if d.Op.Method == http.MethodDelete {
		if spare, err = t.Spare(ctx); err == nil { // it can be done once
			o = t.Account(spare)
		}
	} else {
		spare, o, err = t.subject(ctx, d.Op)
	}
	if err != nil || o == nil {
		return nil
	}
	if !d.Who.IsAnonymous() && !d.Who.Admin() {
		d.Who = spare
	}
	return o
}

// known is the id of a user whom an operation that reads may be about: one's
// own, or that of somebody who has the role that the parameter is called after.
func (t *Trial) known(op *openapi.Operation, name string, who *identity.Identity) string {
	what := userNoun(op, name)
	if who.ID != "" && (what == "user" || what == noun(who.Role)) {
		return who.ID
	}
	for _, i := range t.Identities {
		if i.ID != "" && i.Role != "" && noun(i.Role) == what {
			return i.ID
		}
	}
	return ""
}

// maxSubjects bounds how many users are registered for others to do something
// to.
const maxSubjects = 4

// subjects are those.
type subjects struct {
	mu      sync.Mutex
	all     []*identity.Identity
	used    map[*openapi.Operation][]string // what was done to whom
	unseats map[string]bool                 // who may be locked out by now
}

// subject is a user who was registered to be spent, and the account. What locks
// out is done to each of them once, as long as there are others; whoever may be
// locked out is no more who calls.
func (t *Trial) subject(ctx context.Context, op *openapi.Operation) (*identity.Identity, *Object, error) {
	s := Shared(t, "trial/subjects", func() *subjects {
		return &subjects{used: map[*openapi.Operation][]string{}, unseats: map[string]bool{}}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	locks := unseats(op)
	take := func(who *identity.Identity) (*identity.Identity, *Object, error) {
		if locks {
			s.used[op], s.unseats[who.Name] = append(s.used[op], who.Name), true
		}
		return who, t.Account(who), nil
	}
	var last *identity.Identity
	for _, who := range s.all {
		if t.Account(who) == nil || !locks && s.unseats[who.Name] {
			continue
		}
		if last = who; !slices.Contains(s.used[op], who.Name) {
			return take(who)
		}
	}
	if len(s.all) == maxSubjects {
		if last != nil {
			return take(last)
		}
		return nil, nil, reasonf("enough users were registered to be spent")
	}
	who, err := t.Spare(ctx)
	if err != nil {
		return nil, nil, err
	}
	s.all = append(s.all, who)
	if t.Account(who) == nil {
		return nil, nil, reasonf("the id of a user who was registered is not known")
	}
	return take(who)
}
