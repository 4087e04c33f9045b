package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// All are those who call: the ones of a file, logged in, or two users that are
// registered for this. The notes say how it went, or what to give where
// nobody could be registered.
func All(ctx context.Context, client *traffic.Client, doc *openapi.Document, file []byte, env func(string) (string, bool), seed uint64) ([]*Identity, []string, error) {
	if file == nil {
		return enrolTwo(ctx, client, doc, seed)
	}
	who, notes, err := fromFile(file, doc, client.Base(), env)
	if err != nil {
		return nil, nil, err
	}
	var failed []error
	for _, i := range who {
		if err := i.LogIn(ctx, client); err != nil {
			failed = append(failed, err)
			continue
		}
		if why := i.refused(ctx, client, doc); why != "" {
			notes = append(notes, why)
		}
	}
	return who, notes, errors.Join(failed...)
}

// Complete lets users of a file have more like them, where strangers may
// register: checks that spend an account need one that is nobody's. A role that
// one user alone has is given another, if strangers may say that they are of
// it. Where there are no two ordinary users of one role then, two are
// registered besides.
// Ordinary users come first, so that what they may do is done as one of them.
func Complete(ctx context.Context, client *traffic.Client, doc *openapi.Document, who []*Identity, seed uint64) ([]*Identity, []string, error) {
	slices.SortStableFunc(who, func(a, b *Identity) int {
		switch {
		case a.Admin() == b.Admin():
			return 0
		case a.Admin():
			return 1
		}
		return -1
	})
	n := newEnrolment(client, doc, seed)
	if len(n.register) == 0 || !asksWho(doc) {
		return who, nil, nil
	}
	roles := map[string]int{}
	pair, admins := false, len(who)
	for at, i := range who {
		i.more = n
		if i.Admin() {
			admins = min(admins, at)
			continue
		}
		roles[i.Role]++
		pair = pair || roles[i.Role] > 1
	}
	mates, notes := n.mates(ctx, client, who)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	who = slices.Insert(who, admins, mates...)
	if pair || len(mates) > 0 {
		return who, notes, nil
	}
	two, how, err := enrolTwo(ctx, client, doc, seed)
	return append(two, who...), append(notes, how...), err
}

// Registers tells whether more users like it can be registered.
func (i *Identity) Registers() bool { return i.more != nil }

// refused asks for something that wants credentials, and says whether these
// are taken for none. It is empty when they are not, or when nothing can be
// asked.
func (i *Identity) refused(ctx context.Context, client *traffic.Client, doc *openapi.Document) string {
	op := whoami(doc)
	if op == nil {
		return ""
	}
	e, err := i.ask(ctx, client, doc, op)
	if err != nil {
		return ""
	}
	if e.Status == http.StatusUnauthorized {
		return fmt.Sprintf("%s has credentials, and %s answers 401 with them", i.Name, op.Name())
	}
	i.learnID(op, e)
	return ""
}

// learnID takes the id of an account that was given from what the API says of
// whoever asks.
func (i *Identity) learnID(op *openapi.Operation, e *traffic.Exchange) {
	if i.ID != "" || !e.OK() || !slices.Contains([]string{"me", "self", "whoami", "userinfo"}, strings.ToLower(path.Base(strings.TrimSuffix(op.Path, "/")))) {
		return
	}
	var body any
	dec := json.NewDecoder(bytes.NewReader(e.Body))
	dec.UseNumber()
	if dec.Decode(&body) == nil {
		i.ID = idOf(body)
	}
}

// ask sends a request of an operation without parameters.
func (i *Identity) ask(ctx context.Context, client *traffic.Client, doc *openapi.Document, op *openapi.Operation) (*traffic.Exchange, error) {
	r := &traffic.Request{Method: op.Method, Path: doc.Base + op.Path, Header: http.Header{"Accept": {"application/json, */*;q=0.5"}}}
	i.Apply(r)
	return client.Send(ctx, r)
}

// whoami is an operation that reads, wants credentials and nothing else; about
// oneself, if there is one.
func whoami(doc *openapi.Document) *openapi.Operation {
	var best *openapi.Operation
	for _, op := range doc.Operations {
		if op.Method != http.MethodGet || !op.Secured() || len(op.PathParams()) > 0 ||
			slices.ContainsFunc(op.Params, func(p *openapi.Param) bool { return p.Required }) || op.Says("logout", "signout", "sign-out", "revoke", "refresh") {
			continue
		}
		if op.Says("/me", "profile", "whoami", "account", "current", "self") {
			return op
		}
		if best == nil {
			best = op
		}
	}
	return best
}

// asksWho tells whether an API has operations for those who say who they are,
// as far as its document says.
func asksWho(doc *openapi.Document) bool {
	return len(doc.Schemes) > 0 || slices.ContainsFunc(doc.Operations, func(op *openapi.Operation) bool {
		return op.Secured() || slices.ContainsFunc(op.Params, func(p *openapi.Param) bool {
			return p.In == "header" && strings.EqualFold(p.Name, "Authorization")
		})
	})
}

// own is a path of the API, from a path or a URL of its own.
func own(base *url.URL, target string) (string, bool) {
	u, err := url.Parse(target)
	if err != nil || u.Host != "" && !strings.EqualFold(u.Host, base.Host) {
		return "", false
	}
	return "/" + strings.TrimPrefix(u.Path, "/"), true
}
