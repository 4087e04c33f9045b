package project

import "strings"

// simpleCommands splits a line or script of a POSIX shell into the simple
// commands in it: words with their quotes removed, without redirections,
// comments and assignments in front. What is in vars is put in for $NAME and
// ${NAME}, a ${NAME:-default} becomes its default, and any other expansion
// stays as it is written. Compound commands are not understood, but their
// keywords are words like others, so what is inside is still found.
func simpleCommands(text string, vars map[string]string) []shellCommand {
	var (
		out   []shellCommand
		words []string
		word  strings.Builder
		has   bool // a word has begun, maybe an empty one
		line  = 1
		first = 1 // line of the first word
		skip  bool
		docs  []string // delimiters of here-documents that begin at the next line
	)
	endWord := func() {
		if has {
			if skip {
				skip = false
			} else {
				if len(words) == 0 {
					first = line
				}
				words = append(words, word.String())
			}
		}
		word.Reset()
		has = false
	}
	endCommand := func() {
		endWord()
		skip = false
		for len(words) > 0 && (words[0] == "exec" || words[0] == "then" || words[0] == "do" || words[0] == "else" || words[0] == "if" || words[0] == "!" || isAssignment(words[0])) {
			words = words[1:]
		}
		if len(words) > 0 {
			out = append(out, shellCommand{words: words, line: first})
		}
		words = nil
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch c {
		case '\n':
			endCommand()
			line++
			for len(docs) > 0 && i+1 < len(text) {
				body, rest, _ := strings.Cut(text[i+1:], "\n")
				line++
				i = len(text) - len(rest) - 1
				if strings.TrimSpace(body) == docs[0] {
					docs = docs[1:]
				}
			}
		case ' ', '\t', '\r':
			endWord()
		case '#':
			if has {
				word.WriteByte(c)
				continue
			}
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case ';', '|', '(', ')':
			endCommand()
		case '&':
			if i+1 < len(text) && text[i+1] == '>' || i > 0 && text[i-1] == '>' {
				continue // part of a redirection
			}
			endCommand()
		case '<', '>':
			// 2>file: the number belongs to the redirection.
			if has && strings.Trim(word.String(), "0123456789") == "" {
				word.Reset()
				has = false
			}
			endWord()
			skip = true
			if doc, ok := strings.CutPrefix(text[i:], "<<"); ok && !strings.HasPrefix(doc, "<") {
				doc = strings.TrimLeft(doc, "- \t")
				if end := strings.IndexAny(doc, " \t\n;&|<>)"); end >= 0 {
					doc = doc[:end]
				}
				docs = append(docs, strings.Trim(doc, `"'\`))
				i++
			}
		case '\\':
			if i++; i < len(text) {
				if text[i] == '\n' {
					line++ // a continued line
				} else {
					word.WriteByte(text[i])
					has = true
				}
			}
		case '\'':
			has = true
			for i++; i < len(text) && text[i] != '\''; i++ {
				if text[i] == '\n' {
					line++
				}
				word.WriteByte(text[i])
			}
		case '"':
			has = true
			for i++; i < len(text) && text[i] != '"'; i++ {
				switch {
				case text[i] == '\n':
					line++
					word.WriteByte('\n')
				case text[i] == '\\' && i+1 < len(text) && strings.IndexByte("\\\"$`\n", text[i+1]) >= 0:
					if i++; text[i] != '\n' {
						word.WriteByte(text[i])
					} else {
						line++
					}
				case text[i] == '$':
					value, n := expand(text[i:], vars)
					word.WriteString(value)
					i += n - 1
				default:
					word.WriteByte(text[i])
				}
			}
		case '$':
			value, n := expand(text[i:], vars)
			word.WriteString(value)
			has = true
			i += n - 1
		default:
			word.WriteByte(c)
			has = true
		}
	}
	endCommand()
	return out
}

type shellCommand struct {
	words []string
	line  int // 1 is the first of the text
}

// expand reads the expansion at the start of s. It returns its value and how
// many bytes were read.
func expand(s string, vars map[string]string) (string, int) {
	if len(s) < 2 {
		return s, len(s)
	}
	if s[1] == '{' {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return s[:1], 1
		}
		name, rest := s[2:end], ""
		if i := strings.IndexAny(name, ":-=+?#%/"); i >= 0 {
			name, rest = name[:i], name[i:]
		}
		op := strings.TrimPrefix(rest, ":")
		if v, ok := vars[name]; ok && (rest == "" || strings.HasPrefix(op, "-") || strings.HasPrefix(op, "=")) {
			return v, end + 1
		}
		for _, op := range []string{":-", "-", ":=", "="} {
			if def, ok := strings.CutPrefix(rest, op); ok {
				return def, end + 1
			}
		}
		return s[:end+1], end + 1
	}
	n := 1
	for n < len(s) && isNameByte(s[n], n > 1) {
		n++
	}
	if v, ok := vars[s[1:n]]; ok && n > 1 {
		return v, n
	}
	return s[:n], n
}

func isNameByte(c byte, digits bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digits && c >= '0' && c <= '9'
}

func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && isIdentifier(name)
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i], i > 0) {
			return false
		}
	}
	return s != ""
}
