package workflows

import (
	"fmt"
	"strings"
)

// An expr is what stands in ${{ … }}, and where in the text.
type expr struct {
	text string
	from int
	// values are the contexts that it may become the text of, such as
	// github.event.issue.title; whole are those that it may become all of, by
	// toJSON.
	values, whole []string
}

// exprs are those in a text.
func exprs(text string) []expr {
	var out []expr
	for at := 0; ; {
		i := strings.Index(text[at:], "${{")
		if i < 0 {
			return out
		}
		from := at + i
		end := strings.Index(text[from:], "}}")
		if end < 0 {
			return out
		}
		e := expr{text: text[from+3 : from+end], from: from}
		e.values, e.whole = contexts(e.text)
		out = append(out, e)
		at = from + end + 2
	}
}

// mask puts a word in the place of each expression, so that a shell's parser
// can read the rest.
func mask(script string) (masked string, words map[string]expr) {
	words = map[string]expr{}
	var b strings.Builder
	at := 0
	for i, e := range exprs(script) {
		name := fmt.Sprintf("__expression_%d__", i)
		words[name] = e
		b.WriteString(script[at:e.from])
		b.WriteString(name)
		b.WriteString(strings.Repeat("\\\n", strings.Count(e.text, "\n")))
		at = e.from + len(e.text) + len("${{}}")
	}
	b.WriteString(script[at:])
	return b.String(), words
}

// contexts are those whose text an expression may have, and those that it may
// have the whole of.
func contexts(text string) (values, whole []string) {
	p := &exprParser{text: text}
	v := p.or(0)
	return v.values, v.whole
}

type exprValue struct{ values, whole []string }

func (v exprValue) with(o exprValue) exprValue {
	return exprValue{append(v.values[:len(v.values):len(v.values)], o.values...), append(v.whole[:len(v.whole):len(v.whole)], o.whole...)}
}

// An exprParser reads the expressions of GitHub Actions. What it does not
// understand has no value.
type exprParser struct {
	text string
	at   int
}

const maxExpr = 40

func (p *exprParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *exprParser) take(tokens ...string) bool {
	p.space()
	for _, t := range tokens {
		if strings.HasPrefix(p.text[p.at:], t) {
			p.at += len(t)
			return true
		}
	}
	return false
}

// or is the value of either side, and that of and what stands behind it: what
// stands before it only when it is empty.
func (p *exprParser) or(depth int) exprValue {
	if depth > maxExpr {
		p.at = len(p.text)
		return exprValue{}
	}
	v := p.and(depth + 1)
	for p.take("||") {
		v = v.with(p.and(depth + 1))
	}
	return v
}

func (p *exprParser) and(depth int) exprValue {
	v := p.compare(depth)
	for p.take("&&") {
		v = p.compare(depth)
	}
	return v
}

func (p *exprParser) compare(depth int) exprValue {
	v := p.unary(depth)
	for p.take("==", "!=", "<=", ">=", "<", ">") {
		p.unary(depth)
		v = exprValue{}
	}
	return v
}

func (p *exprParser) unary(depth int) exprValue {
	not := false
	for p.space(); p.at < len(p.text) && p.text[p.at] == '!'; p.space() {
		not = true
		p.at++
	}
	v := p.primary(depth)
	if not {
		return exprValue{}
	}
	return v
}

func (p *exprParser) primary(depth int) exprValue {
	p.space()
	if p.at >= len(p.text) {
		return exprValue{}
	}
	switch c := p.text[p.at]; {
	case c == '(':
		p.at++
		v := p.or(depth + 1)
		p.take(")")
		return v
	case c == '\'':
		p.at++
		for p.at < len(p.text) {
			if p.text[p.at] == '\'' {
				p.at++
				if p.at >= len(p.text) || p.text[p.at] != '\'' {
					break
				}
			}
			p.at++
		}
		return exprValue{}
	case !nameByte(c):
		p.at++ // what is not understood
		return exprValue{}
	}
	name := strings.ToLower(p.name())
	if p.take("(") {
		v := p.call(name, depth)
		p.fields("", depth) // a part of it is as it is
		return v
	}
	return exprValue{values: []string{p.fields(name, depth)}}
}

// fields reads what stands behind a name, as .a['b'].*.
func (p *exprParser) fields(path string, depth int) string {
	for {
		switch {
		case p.take("."):
			p.space()
			if p.take("*") {
				path += ".*"
			} else {
				path += "." + strings.ToLower(p.name())
			}
		case p.take("["):
			p.space()
			from := p.at
			p.or(depth + 1)
			key := strings.TrimSpace(p.text[from:p.at])
			p.take("]")
			if len(key) > 1 && key[0] == '\'' && key[len(key)-1] == '\'' {
				path += "." + strings.ToLower(key[1:len(key)-1])
			} else {
				path += ".*"
			}
		default:
			return path
		}
	}
}

func (p *exprParser) call(name string, depth int) exprValue {
	var v exprValue
	for {
		p.space()
		before := p.at
		a := p.or(depth + 1)
		v = v.with(a)
		if p.take(",") {
			continue
		}
		if p.take(")") || p.at >= len(p.text) || p.at == before {
			break
		}
	}
	switch name {
	case "format", "join", "fromjson":
		return v
	case "tojson":
		return exprValue{whole: append(v.values, v.whole...)}
	}
	return exprValue{}
}

func (p *exprParser) name() string {
	from := p.at
	for p.at < len(p.text) && nameByte(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= 0x80
}

// chosen are contexts that outsiders choose the text of. A star stands for any
// name.
var chosen = []string{
	"github.head_ref",
	"github.event.issue.title", "github.event.issue.body", "github.event.discussion.title", "github.event.discussion.body",
	"github.event.pull_request.title", "github.event.pull_request.body", "github.event.pull_request.head.ref", "github.event.pull_request.head.label",
	"github.event.pull_request.head.repo.default_branch", "github.event.pull_request.head.repo.description", "github.event.pull_request.head.repo.homepage",
	"github.event.comment.body", "github.event.review.body", "github.event.review_comment.body", "github.event.pages.*.page_name", "github.event.pages.*.title",
	"github.event.commits.*.message", "github.event.commits.*.author.email", "github.event.commits.*.author.name", "github.event.head_commit.message",
	"github.event.head_commit.author.email", "github.event.head_commit.author.name", "github.event.head_commit.committer.email", "github.event.head_commit.committer.name",
	"github.event.workflow_run.head_branch", "github.event.workflow_run.display_title", "github.event.workflow_run.head_commit.message", "github.event.workflow_run.head_repository.description",
	"github.event.workflow_run.head_commit.author.email", "github.event.workflow_run.head_commit.author.name", "github.event.workflow_run.pull_requests.*.head.ref",
	"github.event.changes.title.from", "github.event.changes.body.from",
}

// outsiders tells whether outsiders choose the text of a context, or, of one
// that is taken as a whole, of a part of it.
func outsiders(path string, whole bool) bool {
	for _, c := range chosen {
		if same(c, path) || whole && within(c, path) {
			return true
		}
	}
	return false
}

// same compares paths whose stars stand for any name.
func same(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] && x[i] != "*" && y[i] != "*" {
			return false
		}
	}
	return true
}

// within tells whether a path lies below another.
func within(path, top string) bool {
	x, y := strings.Split(path, "."), strings.Split(top, ".")
	return len(y) <= len(x) && same(strings.Join(x[:len(y)], "."), top)
}
