package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// fields are those that a head which is written by hand has.
var fields = []string{"subject", "to", "from", "cc", "bcc", "reply-to", "sender"}

// mails looks at messages whose head is a text: EmailMessage and its like
// refuse a value with a line break, and a text does not.
func mails(p *analysis.Pass, c *pymodel.Call) {
	e := message(c)
	if e == nil {
		return
	}
	head := ""
	for _, piece := range composed(c.Scope, e, 0) {
		if strings.Contains(head, "\n\n") || strings.Contains(head, "\r\n\r\n") {
			return // the body
		}
		if piece.Expr == nil {
			head += piece.Text
			continue
		}
		line := head[strings.LastIndexByte(head, '\n')+1:]
		name, _, named := strings.Cut(line, ":")
		if named && slices.Contains(fields, strings.ToLower(strings.TrimSpace(name))) {
			if t := p.Python.Reaches(piece.Scope, piece.Expr, oneLine); t != nil && !p.Vetted(t, "subject", "header", "headers", "line", "lines", "newline", "newlines", "address", "mail", "email", "text") && !slices.ContainsFunc(t.Funcs, breaksRefused) {
				p.PythonAt(mailHead, piece.Scope.Module, piece.Expr, "%s goes into %s: of a message as it came", analysis.Written(piece.Scope.Module, t.Leaf), strings.TrimSpace(name))
				return
			}
		}
		head += "?"
	}
}

// message is the text that a call sends as a whole message; nil when it sends
// none.
func message(c *pymodel.Call) pyast.Expr {
	sends := func(e pyast.Expr) bool {
		return e != nil && analysis.Mentions(e, func(id string) bool { return strings.HasSuffix(id, "sendmail") || strings.HasSuffix(id, "msmtp") })
	}
	switch c.Method() {
	case "sendmail":
		if e := c.Arg(2, "msg"); e != nil {
			return e
		}
		return c.Keyword("message")
	case "message_from_string", "message_from_bytes", "parsestr", "parsebytes":
		if strings.HasPrefix(c.Name(), "email.") {
			return c.Arg(0, "s")
		}
	case "send":
		if c.Name() == "aiosmtplib.send" {
			return c.Arg(0, "message")
		}
	case "send_raw_email", "send_email":
		if d, at := c.Scope.Dict(c.Keyword("RawMessage")); d != nil {
			return at.Entry(d, "Data")
		}
	case "run", "check_output", "check_call":
		if strings.HasPrefix(c.Name(), "subprocess.") && sends(c.Arg(0, "args")) {
			return c.Keyword("input")
		}
	case "communicate":
		if made := c.Scope.Made(c.Receiver()); made != nil && sends(pymodel.Arg(made, 0, "args")) {
			return c.Arg(0, "input")
		}
	}
	return nil
}

// composed takes a text apart, through names and lines that are joined.
func composed(s *pymodel.Scope, e pyast.Expr, depth int) []pymodel.Piece {
	if e == nil || depth > 8 {
		return nil
	}
	depth++
	switch x := e.(type) {
	case *pyast.Name:
		_, at := s.Lookup(x.ID)
		var out []pymodel.Piece
		for _, d := range defs(s, x) { // message = …; message += …
			if c, ok := d.(*pyast.Call); ok && pymodel.Uses(d, x.ID) && analysis.Leaf(c) == x.ID {
				continue // message = message.encode()
			}
			out = append(out, composed(at, d, depth)...)
		}
		if len(out) > 0 {
			return out
		}
	case *pyast.BinOp:
		if x.Op == pyast.Add {
			return append(composed(s, x.Left, depth), composed(s, x.Right, depth)...)
		}
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "encode", "strip", "lstrip", "rstrip":
				return composed(s, a.Value, depth)
			case "join":
				by, known := s.Text(a.Value)
				if !known || len(x.Args) != 1 {
					break
				}
				var out []pymodel.Piece
				for _, l := range lines(s, x.Args[0]) {
					out = append(append(out, composed(l.scope, l.expr, depth)...), pymodel.Piece{Text: by, Scope: s})
				}
				return out
			}
		}
		if to := callee(s, x); to != nil {
			var out []pymodel.Piece
			eachReturn(to, func(r pyast.Expr) {
				if out == nil {
					out = composed(to.Scope, r, depth)
				}
			})
			return out
		}
		if name := s.Qualified(x.Func); name == "builtins.bytes" || name == "textwrap.dedent" {
			return composed(s, pymodel.Arg(x, 0, ""), depth)
		}
	}
	return s.Pieces(e)
}

// lines are the elements of a list, with those that it gets later.
func lines(s *pymodel.Scope, e pyast.Expr) []value {
	var out []value
	switch x := e.(type) {
	case *pyast.List:
		for _, l := range x.Elts {
			out = append(out, value{s, l})
		}
	case *pyast.Tuple:
		for _, l := range x.Elts {
			out = append(out, value{s, l})
		}
	case *pyast.Name:
		_, at := s.Lookup(x.ID)
		for _, d := range defs(s, x) {
			if l, ok := d.(*pyast.List); ok {
				out = append(out, lines(at, l)...)
			} else {
				out = append(out, value{at, d})
			}
		}
	}
	return out
}

// oneLine tells whether a value has no line break: it was taken out, encoded,
// or its type lets none in.
func oneLine(s *pymodel.Scope, e pyast.Expr) bool {
	switch x := e.(type) {
	case *pyast.Call:
		name := s.Qualified(x.Func)
		if strings.HasPrefix(name, "email.") && name != "email.utils.formataddr" {
			return true // Header(…).encode()
		}
		if a, ok := x.Func.(*pyast.Attribute); ok && (a.Attr == "splitlines" || a.Attr == "split" && len(x.Args) == 0) {
			return true
		}
		return escapes(s, x)
	case *pyast.FormattedValue:
		return x.Conversion == 'r'
	case *pyast.Attribute:
		if c := s.TypeOf(x.Value).Class; c != nil {
			for _, f := range c.AllFields() {
				if f.Name == x.Attr && f.Annotation != nil {
					return bounded(c.Outer, f.Annotation)
				}
			}
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		return b != nil && b.Annotation != nil && at.Func != nil && bounded(at.Func.Outer, b.Annotation)
	}
	return false
}

// bounded tells whether a type lets no line break in.
func bounded(s *pymodel.Scope, annotation pyast.Expr) bool {
	switch s.Annotation(annotation).Name {
	case "pydantic.EmailStr", "pydantic.NameEmail", "pydantic.HttpUrl", "pydantic.AnyUrl", "pydantic.AnyHttpUrl":
		return true
	}
	return false
}

// breaksRefused tells whether a function looks for line breaks.
func breaksRefused(f *pymodel.Func) bool {
	is := func(e pyast.Expr) bool {
		c, ok := e.(*pyast.Constant)
		return ok && c.Kind == pyast.Str && c.Value != "" && strings.Trim(c.Value, "\r\n\x00") == ""
	}
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Compare:
			found = found || (n.Ops[0] == pyast.In || n.Ops[0] == pyast.NotIn) && is(n.Left)
		case *pyast.Comprehension:
			list, ok := n.Iter.(*pyast.Tuple)
			found = found || is(n.Iter) || ok && slices.ContainsFunc(list.Elts, is)
		case *pyast.Attribute:
			found = found || n.Attr == "isprintable"
		}
		return !found
	})
	return found
}
