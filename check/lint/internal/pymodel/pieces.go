package pymodel

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// A Piece is a part of a text: one that is known, or an expression.
type Piece struct {
	Text  string
	Expr  pyast.Expr // nil when the text is known
	Scope *Scope
}

// Pieces are the parts of which an expression builds a text, in their order:
// by an f-string, +, %, format or join. What it does not build is one piece.
func (s *Scope) Pieces(e pyast.Expr) []Piece { return s.pieces(e, 0) }

func (s *Scope) pieces(e pyast.Expr, depth int) []Piece {
	if t, ok := s.Text(e); ok {
		return []Piece{{Text: t, Scope: s}}
	}
	whole := []Piece{{Expr: e, Scope: s}}
	if depth > 30 {
		return whole
	}
	depth++
	switch e := e.(type) {
	case *pyast.JoinedStr:
		var out []Piece
		for _, v := range e.Values {
			if f, ok := v.(*pyast.FormattedValue); ok {
				out = append(out, s.pieces(f.Value, depth)...)
			} else {
				out = append(out, s.pieces(v, depth)...)
			}
		}
		return out
	case *pyast.BinOp:
		switch e.Op {
		case pyast.Add:
			return append(s.pieces(e.Left, depth), s.pieces(e.Right, depth)...)
		case pyast.Mod:
			format := s.pieces(e.Left, depth)
			if textual(format) {
				return spread(format, s, arguments(e.Right), percent)
			}
		}
	case *pyast.Call:
		a, ok := e.Func.(*pyast.Attribute)
		if !ok {
			break
		}
		switch a.Attr {
		case "format", "format_map":
			format := s.pieces(a.Value, depth)
			if textual(format) {
				args := slices.Clone(e.Args)
				for _, k := range e.Keywords {
					args = append(args, k.Value)
				}
				return spread(format, s, args, braces)
			}
		case "strip", "lstrip", "rstrip", "lower", "upper", "encode", "removesuffix", "removeprefix", "replace":
			if inner := s.pieces(a.Value, depth); len(inner) > 1 || inner[0].Expr == nil {
				return inner
			}
		}
	}
	return whole
}

func textual(list []Piece) bool {
	return slices.ContainsFunc(list, func(p Piece) bool { return p.Expr == nil })
}

func arguments(e pyast.Expr) []pyast.Expr {
	switch e := e.(type) {
	case *pyast.Tuple:
		return e.Elts
	case *pyast.Dict:
		return e.Values
	}
	return []pyast.Expr{e}
}

// spread puts arguments into the places of a format: in order, which is not exact
// where they are named.
func spread(format []Piece, s *Scope, args []pyast.Expr, places func(string) []string) []Piece {
	var out []Piece
	for _, p := range format {
		if p.Expr != nil {
			out = append(out, p)
			continue
		}
		for i, text := range places(p.Text) {
			if i > 0 && len(args) > 0 {
				out = append(out, s.Pieces(args[0])...)
				args = args[1:]
			}
			if text != "" {
				out = append(out, Piece{Text: text, Scope: s})
			}
		}
	}
	for _, a := range args {
		out = append(out, s.Pieces(a)...)
	}
	return out
}

// percent splits a format of % at its places.
func percent(text string) []string {
	var out []string
	start := 0
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if text[i+1] == '%' {
			i++
			continue
		}
		j := i + 1
		if text[j] == '(' {
			if end := strings.IndexByte(text[j:], ')'); end > 0 {
				j += end + 1
			}
		}
		for j < len(text) && strings.IndexByte("0123456789.-+ #", text[j]) >= 0 {
			j++
		}
		out = append(out, text[start:i])
		start = min(j+1, len(text))
		i = start - 1
	}
	return append(out, text[start:])
}

// braces splits a format of {} at its places.
func braces(text string) []string {
	var out []string
	start := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '{' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '{' {
			i++
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			break
		}
		out = append(out, text[start:i])
		start = i + end + 1
		i = start - 1
	}
	return append(out, text[start:])
}
