package crawl

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// nowhere is a segment that no API has.
const nowhere = "pavise-nothing-is-here"

// A print is what an answer looks like.
type print struct {
	status int
	to     string // a redirect's path
	body   string
}

// printOf leaves out what differs between answers of one kind: texts, values,
// and the path that was asked for.
func printOf(e *traffic.Exchange) print {
	p := print{status: e.Status, body: e.Type() + " " + skeleton(e)}
	if e.Status >= 300 && e.Status < 400 {
		p.to, _, _ = strings.Cut(e.Header.Get("Location"), "?")
		if own, _, _ := strings.Cut(e.Request.Path, "?"); len(own) > 1 {
			p.to = strings.Replace(p.to, own, "", 1)
		}
		p.body = ""
	}
	return p
}

// skeleton is what a body is made of.
func skeleton(e *traffic.Exchange) string {
	body := string(e.Body)
	switch kind := e.Type(); {
	case strings.Contains(kind, "html"):
		return sum(tags(body))
	case strings.Contains(kind, "json"):
		var v any
		if json.Unmarshal(e.Body, &v) == nil {
			return sum(members(v, 0))
		}
	}
	path, _, _ := strings.Cut(e.Request.Path, "?")
	if len(path) > 1 {
		body = strings.ReplaceAll(body, path, "")
	}
	return sum(body)
}

func sum(s string) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(s)) // a hash does not fail
	return fmt.Sprintf("%x", h.Sum(nil))
}

// maxTags bounds how much of a page is looked at.
const maxTags = 3000

// tags are the elements of a page in order, without their texts.
func tags(body string) string {
	z := html.NewTokenizer(strings.NewReader(body))
	z.SetMaxBuf(maxToken)
	var b strings.Builder
	for range maxTags {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			b.Write(name)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// members are the names in a body of JSON, without the values.
func members(v any, depth int) string {
	switch v := v.(type) {
	case map[string]any:
		if depth > 4 {
			return "{}"
		}
		var b strings.Builder
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(&b, "%q:%s,", k, members(v[k], depth+1))
		}
		return "{" + b.String() + "}"
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return "[" + members(v[0], depth+1) + "]"
	}
	return "."
}

// absent tells whether an answer is the one to what is not there, in the folder
// of what was asked for: an application of one page answers its index to
// everything, and a gate asks for credentials before it looks.
func (c *crawler) absent(ctx context.Context, e *traffic.Exchange) bool {
	switch e.Status {
	case http.StatusNotFound, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	dir := parent(e.Request.Path)
	known, asked := c.missing[shape(dir)]
	if !asked {
		if m, err := c.get(ctx, dir+"/"+nowhere); err == nil {
			p := printOf(m)
			known = &p
		}
		c.missing[shape(dir)] = known
	}
	if known == nil {
		return e.Status >= 300 // nothing can be told of what else is here
	}
	return known.status != http.StatusNotFound && *known == printOf(e)
}
