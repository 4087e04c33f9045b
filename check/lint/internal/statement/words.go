package statement

import (
	"strconv"
	"strings"
)

// keywords are the words that name no column where they stand by themselves.
var keywords = map[string]bool{
	"select": true, "from": true, "where": true, "and": true, "or": true, "not": true, "in": true, "is": true, "null": true, "like": true, "ilike": true, "between": true, "exists": true, "join": true, "left": true, "right": true, "inner": true, "outer": true, "full": true, "cross": true, "natural": true, "using": true,
	"on": true, "as": true, "order": true, "group": true, "by": true, "having": true, "limit": true, "offset": true, "for": true, "update": true, "share": true, "set": true, "values": true, "into": true, "insert": true, "delete": true, "returning": true, "distinct": true, "all": true, "any": true, "case": true, "when": true, "then": true, "else": true, "end": true,
	"true": true, "false": true, "asc": true, "desc": true, "union": true, "except": true, "intersect": true, "conflict": true, "do": true, "nothing": true, "collate": true, "default": true, "lateral": true, "skip": true, "locked": true, "nowait": true, "current_timestamp": true, "interval": true, "escape": true, "with": true, "only": true, "ignore": true,
}

// split takes a text apart into words and signs; comments are passed over.
func split(text string) []token {
	var out []token
	depth, places := 0, 0
	for i := 0; i < len(text); {
		c := text[i]
		from := i
		switch {
		case c == '-' && strings.HasPrefix(text[i:], "--"):
			i += upTo(text[i:], "\n")
			continue
		case c == '/' && strings.HasPrefix(text[i:], "/*"):
			i += upTo(text[i:], "*/")
			continue
		case c == '\'':
			i = quoted(text, i)
			out = append(out, token{kind: value, text: "''", depth: depth})
			continue
		case c == '"' || c == '`' || c == '[':
			i = quoted(text, i)
			out = dotted(out, token{kind: name, text: strings.ToLower(strings.Trim(text[from:i], "\"`[]")), depth: depth})
			continue
		case c == '.' && len(out) > 0 && out[len(out)-1].kind == name: // "app"."notes"
			out[len(out)-1].text += "."
		case letter(c):
			for i++; i < len(text) && (letter(text[i]) || digit(text[i]) || text[i] == '.'); i++ {
			}
			out = dotted(out, token{kind: word, text: strings.ToLower(text[from:i]), depth: depth})
			continue
		case digit(c):
			for i++; i < len(text) && (digit(text[i]) || text[i] == '.'); i++ {
			}
			out = append(out, token{kind: value, text: text[from:i], depth: depth})
			continue
		case c == '?', (c == '$' || c == ':' || c == '@') && i+1 < len(text) && (digit(text[i+1]) || letter(text[i+1])):
			for i++; i < len(text) && (digit(text[i]) || letter(text[i])); i++ {
			}
			places++
			n := places
			if given, err := strconv.Atoi(text[from+1 : i]); err == nil && given > 0 && given < 1000 { // $2, ?2
				n = given
			}
			out = append(out, token{kind: place, text: "?", depth: depth, place: n})
			continue
		case c == ':' && strings.HasPrefix(text[i:], "::"): // $1::uuid
			i += 2
			for i < len(text) && letter(text[i]) {
				i++
			}
			continue
		case c == '(':
			out = append(out, token{text: "(", depth: depth})
			depth++
		case c == ')':
			depth = max(depth-1, 0)
			out = append(out, token{text: ")", depth: depth})
		case strings.IndexByte("=<>+-*/,;|%", c) >= 0:
			out = append(out, token{text: string(c), depth: depth})
		}
		i++
	}
	return out
}

// dotted joins a name to the one before it: "i"."user_id".
func dotted(out []token, t token) []token {
	if n := len(out); n > 0 && strings.HasSuffix(out[n-1].text, ".") {
		out[n-1].text += t.text
		out[n-1].kind = t.kind
		return out
	}
	return append(out, t)
}

func upTo(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// quoted is where what is quoted ends.
func quoted(text string, i int) int {
	end := text[i]
	if end == '[' {
		end = ']'
	}
	for i++; i < len(text); i++ {
		if text[i] == end {
			return i + 1
		}
	}
	return len(text)
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
