package goinput

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// mailFields are those of a head that is written by hand.
var mailFields = []string{"subject", "to", "from", "cc", "bcc", "reply-to", "sender"}

// mails looks at a call that sends a message whose head is a text.
func mails(p *analysis.Pass, c *gomodel.Call) {
	if c.Name != "net/smtp.SendMail" || c.Arg(4) == nil || breaksRefused(c.Func) {
		return
	}
	head := ""
	for _, part := range c.File.Parts(c.Args[4]) {
		if strings.Contains(head, "\n\n") || strings.Contains(head, "\r\n\r\n") {
			return // the body
		}
		if part.Expr == nil {
			head += part.Text
			continue
		}
		name, _, named := strings.Cut(head[strings.LastIndexByte(head, '\n')+1:], ":")
		if named && slices.Contains(mailFields, strings.ToLower(strings.TrimSpace(name))) && part.Verb != 'q' && part.Verb != 'd' && part.File.Level(part.Expr) == gomodel.Tainted && !oneLine(part.File, part.Expr) {
			p.GoAt(mailHead, c.File, c, "%s, which a client sends, goes into %s: of a message as it came", what(part.Expr), strings.TrimSpace(name))
			return
		}
		head += "?"
	}
}

// oneLine tells whether line breaks were taken out of a value.
func oneLine(f *gomodel.File, e ast.Expr) bool {
	in, only := f.Only(e)
	c, ok := only.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch in.Qualified(c.Fun) {
	case "strings.ReplaceAll", "strings.Replace", "strings.Replacer.Replace", "strings.Map", "strings.Join", "mime.WordEncoder.Encode", "net/mail.Address.String", "strconv.Quote":
		return true
	}
	return analysis.GoMentions(c.Fun, func(id string) bool {
		id = strings.ToLower(id)
		return strings.Contains(id, "sanit") || strings.Contains(id, "clean") || strings.Contains(id, "encode") || strings.Contains(id, "escape") || strings.Contains(id, "header")
	})
}

// breaksRefused tells whether a function looks for line breaks, or parses the
// addresses.
func breaksRefused(fn *gomodel.Func) bool {
	if fn == nil {
		return false
	}
	return slices.ContainsFunc(fn.Calls, func(c *gomodel.Call) bool {
		switch c.Name {
		case "strings.Contains", "strings.ContainsAny", "strings.IndexByte", "strings.ContainsRune", "strings.IndexAny":
			text, ok := c.File.Text(c.Arg(1))
			return ok && strings.ContainsAny(text, "\r\n") || c.Name == "strings.ContainsRune" || c.Name == "strings.IndexByte"
		}
		return false
	})
}
