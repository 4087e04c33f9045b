package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/crawl"
	"github.com/pavise-dev/pavise/check/probe/internal/har"
	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// A described API is one whose operations are known.
type described struct {
	doc   *openapi.Document
	notes []string
	// crawled is what a crawl found where there is no document; nil where
	// there is one.
	crawled *crawled
}

// crawled is what crawls found together.
type crawled struct {
	base                  *APIOptions
	seen                  []har.Seen
	paths                 []string
	requests, users, left int
	short                 string
	none                  error // that no document was found
}

// describe reads the API's document, or finds out what it serves where there
// is none.
func (o *APIOptions) describe(ctx context.Context, client *traffic.Client) (*described, error) {
	data, where, err := o.Description, "that is given", error(nil)
	if data == nil {
		data, where, err = document(ctx, client, o.Document)
	}
	d := &described{}
	if errors.Is(err, ErrNoDocument) && o.Document == "" && !o.NoCrawl && ctx.Err() == nil {
		d.crawled = &crawled{base: o, none: err}
		var found *crawl.Result
		if found, err = d.crawled.crawl(ctx, client, nil); err != nil {
			return nil, err
		}
		if data, where = found.Document, found.Where; data == nil {
			d.doc, err = d.crawled.document(client, nil)
			return d, err
		}
		d.crawled, d.notes = nil, []string{fmt.Sprintf("the OpenAPI document was found at %s, by a crawl of %d requests", where, found.Requests)}
	}
	if err != nil {
		return nil, err
	}
	if d.doc, err = openapi.Parse(data); err != nil {
		return nil, fmt.Errorf("%w: the OpenAPI document %s: %w", ErrOptions, where, err)
	}
	for _, p := range d.doc.Problems {
		d.notes = append(d.notes, "the OpenAPI document: "+p)
	}
	return d, nil
}

// asUser crawls once more with the credentials of the first user that was
// given: most of an API is for users alone. Users that were registered hold
// operations of the document, which stays as it is then.
func (d *described) asUser(ctx context.Context, client *traffic.Client, who []*identity.Identity) error {
	if d.crawled == nil {
		return nil
	}
	if len(who) > 0 && !who[0].Enrolled {
		if _, err := d.crawled.crawl(ctx, client, who[0]); err != nil {
			return err
		}
		d.crawled.users++
		doc, err := d.crawled.document(client, who)
		if err != nil {
			return err
		}
		d.doc = doc
	}
	return d.crawled.empty(d.doc)
}

// tell notes how the operations were found.
func (d *described) tell() {
	c := d.crawled
	if c == nil {
		return
	}
	whom := "as a stranger"
	if c.users > 0 {
		whom += " and as the first user"
	}
	d.notes = append(d.notes, fmt.Sprintf("there is no OpenAPI document: a crawl of %d requests %s found %d operations; what no link, form or answer told of was not tested", c.requests, whom, len(d.doc.Operations)))
	if c.left > 0 {
		d.notes = append(d.notes, fmt.Sprintf("%d paths that the crawl met were not asked for, because by their names they do something", c.left))
	}
	d.notes = append(d.notes, "checks of what a document says were left out: "+strings.ReplaceAll(strings.Join(aboutDocument(), ", "), "probe/", ""))
	if c.short != "" {
		d.notes = append(d.notes, "the crawl ended before all was asked for: "+c.short)
	}
}

// share is the part of a run's requests that a crawl may send.
const share = 4

func (c *crawled) crawl(ctx context.Context, client *traffic.Client, who *identity.Identity) (*crawl.Result, error) {
	o := crawl.Options{Host: c.base.Host, Requests: min(crawl.DefaultRequests, max(1, c.base.Total/share)), More: c.paths}
	if who != nil {
		o.Apply = who.Apply
	}
	found, err := crawl.Crawl(ctx, client, client.Base(), o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w, and the crawl for what it serves ended: %w", c.none, err)
	}
	c.seen, c.paths = append(c.seen, found.Seen...), append(c.paths, found.Paths...)
	c.requests, c.left = c.requests+found.Requests, max(c.left, found.Left)
	if found.Short != "" {
		c.short = found.Short
	}
	return found, nil
}

// document is made of what was found: one without operations where that is
// nothing.
func (c *crawled) document(client *traffic.Client, who []*identity.Identity) (*openapi.Document, error) {
	var secrets []string
	for _, i := range who {
		secrets = slices.AppendSeq(secrets, maps.Values(i.Secrets()))
	}
	made, err := har.Made(c.seen, client.Base(), "Crawled at "+client.Base().Host, secrets)
	if errors.Is(err, har.ErrNone) {
		return &openapi.Document{Schemes: map[string]*openapi.Scheme{}}, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := openapi.Parse(made.Document)
	if err != nil {
		return nil, fmt.Errorf("the document of what the crawl found: %w", err)
	}
	return doc, nil
}

// empty says what was tried where nothing was found.
func (c *crawled) empty(doc *openapi.Document) error {
	if len(doc.Operations) > 0 {
		return nil
	}
	short := ""
	if c.short != "" {
		short = " (it ended early: " + c.short + ")"
	}
	return fmt.Errorf("%w; a crawl of %d requests from /, /robots.txt, /api and other usual paths found no operation either%s: record what clients ask for with pavise probe record, and use pavise probe replay", c.none, c.requests, short)
}

// aboutDocument are checks that compare the API with what its document says:
// where a crawl made that up, it would be judged by guesses.
func aboutDocument() []string {
	var out []string
	for _, name := range strings.Fields("undocumented-fields response-schema schema-enforced type-coercion unknown-field unlisted-operations unlisted-methods old-versions declared-security") {
		out = append(out, "probe/"+name)
	}
	return out
}

// judged are the checks that can be made of what was described.
func (d *described) judged(checks []*trial.Check) []*trial.Check {
	if d.crawled == nil {
		return checks
	}
	return slices.DeleteFunc(checks, func(c *trial.Check) bool { return slices.Contains(aboutDocument(), c.ID) })
}

// doubt makes suspicions of what fails because a member of a request is in no
// schema, where nobody wrote one.
func (d *described) doubt(results []trial.Result) {
	for i := range results {
		if r := &results[i]; d.crawled != nil && r.Verdict == trial.Fail && r.Check.ID == "probe/mass-assignment" {
			r.Verdict = trial.Suspect
			r.Got += "; which members it may have no document tells"
		}
	}
}
