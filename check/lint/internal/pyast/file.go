// Package pyast reads Python source, of 3.8 to 3.14, without Python.
//
// Its trees are those of CPython's module ast, node by node: that is tested
// against it on the files of real packages. What cannot be read becomes a Bad
// statement and an error that says where, and the rest of the file is read.
package pyast

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A File is a source file.
type File struct {
	// Src is the text that offsets are of: in UTF-8, without a byte order
	// mark, lines ended by a line feed.
	Src      string
	Body     []Stmt
	Comments []Comment
	// Errors are in the order of the file.
	Errors []Error

	lines []int32 // where each begins
}

// A Comment spans from its # to the end of the line.
type Comment struct{ Span }

// An Error is a part of the file that could not be read.
type Error struct {
	Offset  int
	Message string
}

// maxSource bounds a file: offsets are of 32 bits.
const maxSource = 1 << 30

// A Reader reads one file after another, in the room that it took for those
// before: many files are small. The zero value is ready.
type Reader struct {
	tokens []token
	stacks stacks
	arena  arena
}

// Parse reads a file. Its error says that it is not text of a known encoding;
// what is wrong in the text is in the file's Errors.
func Parse(data []byte) (*File, error) { return new(Reader).Parse(data) }

// Parse reads a file, as the function of this name does.
func (r *Reader) Parse(data []byte) (*File, error) {
	src, err := decode(data)
	if err != nil {
		return nil, err
	}
	f := &File{Src: src}
	if need := len(src)/5 + 16; cap(r.tokens) < need {
		r.tokens = make([]token, 0, need)
	}
	l := lexer{src: src, end: len(src), tokens: r.tokens[:0]}
	l.run()
	f.Comments = l.comments
	p := parser{src: src, tokens: l.tokens, stacks: r.stacks, arena: &r.arena}
	f.Body = p.file()
	r.tokens, r.stacks = l.tokens[:0], stacks{p.exprs[:0], p.stmts[:0], p.keywords[:0]}
	f.Errors = append(l.errors, p.errors...)
	slices.SortStableFunc(f.Errors, func(a, b Error) int { return a.Offset - b.Offset })
	f.Errors = slices.CompactFunc(f.Errors, func(a, b Error) bool { return a.Offset == b.Offset })
	f.lines = append(make([]int32, 0, strings.Count(src, "\n")+1), 0)
	for i := 0; ; {
		n := strings.IndexByte(src[i:], '\n')
		if n < 0 {
			return f, nil
		}
		i += n + 1
		f.lines = append(f.lines, int32(i))
	}
}

// Position tells line and column of an offset, both from 1; the column is in
// bytes.
func (f *File) Position(offset int) (line, column int) {
	i, ok := slices.BinarySearch(f.lines, int32(offset))
	if !ok {
		i--
	}
	return i + 1, offset - int(f.lines[i]) + 1
}

// Text is the source of a node.
func (f *File) Text(n Node) string { return f.Src[n.Pos():n.End()] }

func (f *File) String() string {
	return fmt.Sprintf("%d statements, %d errors", len(f.Body), len(f.Errors))
}

// decode makes UTF-8 of a file, by its byte order mark or the comment of
// PEP 263, and line feeds of all ends of lines.
func decode(data []byte) (string, error) {
	if len(data) > maxSource {
		return "", fmt.Errorf("is larger than %d MB", maxSource>>20)
	}
	src := strings.TrimPrefix(string(data), "\ufeff")
	switch name := encoding(src); name {
	case "utf-8", "utf8", "u8", "utf", "ascii", "us-ascii":
		if !utf8.ValidString(src) {
			return "", fmt.Errorf("is not UTF-8, and names no other encoding")
		}
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1", "l1", "cp819", "iso-8859-15", "latin-9":
		// The letters of names and the quotes are ASCII: for what is asked
		// of a tree, the few characters in which these differ do not matter.
		var b strings.Builder
		for i := range len(src) {
			b.WriteRune(rune(src[i]))
		}
		src = b.String()
	default:
		if !utf8.ValidString(src) {
			return "", fmt.Errorf("has the encoding %.20q, which is not read: save it as UTF-8", name)
		}
	}
	if i := strings.IndexByte(src, 0); i >= 0 {
		return "", fmt.Errorf("holds a NUL at byte %d", i)
	}
	if strings.Contains(src, "\r") {
		src = strings.ReplaceAll(src, "\r\n", "\n")
		src = strings.ReplaceAll(src, "\r", "\n")
	}
	return src, nil
}

// encoding is what a comment in one of the first two lines says.
func encoding(src string) string {
	for range 2 {
		line, rest, _ := strings.Cut(src, "\n")
		line = strings.TrimLeft(line, " \t\f")
		if !strings.HasPrefix(line, "#") {
			if strings.TrimSpace(line) != "" {
				break
			}
		} else if i := strings.Index(line, "coding"); i >= 0 {
			rest := line[i+len("coding"):]
			if len(rest) > 1 && (rest[0] == ':' || rest[0] == '=') {
				name := strings.TrimLeft(rest[1:], " \t")
				end := strings.IndexFunc(name, func(r rune) bool {
					return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_.", r)
				})
				if end >= 0 {
					name = name[:end]
				}
				if name != "" {
					return strings.ReplaceAll(strings.ToLower(name), "_", "-")
				}
			}
		}
		src = rest
	}
	return "utf-8"
}
