package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// A Pin is a version to change in a requirements file.
type Pin struct {
	Line int // of the requirement, from 1
	// Name of the distribution, in any spelling.
	Name string
	// From is the version that is there, To the one to put in its place.
	From, To string
}

// A Change is what became of a Pin.
type Change struct {
	Pin
	// Hashes that were dropped with the old version, as they stood there.
	Hashes []string
	// Err says why nothing was changed; nil means that it was.
	Err error
}

// ErrHashes says that a pin has hashes, which are of the old version's files.
// New ones can only come from the files themselves.
var ErrHashes = errors.New("the pin has hashes, which belong to the old version: compile the file anew, or let them be dropped")

// Rewrite changes versions in a requirements file and leaves every other byte
// as it is: comments, spaces, ends of lines, the encoding. A pin with hashes
// is refused unless they may be dropped.
func Rewrite(data []byte, pins []Pin, dropHashes bool) ([]byte, []Change, error) {
	text, enc, err := decodeText(data)
	if err != nil {
		return nil, nil, err
	}
	lines := logicalLines(text)
	starts := startsOf(text)
	var out []Change
	type edit struct {
		from, to int
		text     string
	}
	var edits []edit
	for _, pin := range pins {
		c := Change{Pin: pin}
		i := slices.IndexFunc(lines, func(l logicalLine) bool { return l.first == pin.Line })
		switch {
		case i < 0:
			c.Err = fmt.Errorf("line %d holds no requirement any more", pin.Line)
		case strings.ContainsAny(pin.To, " \t\r\n#;\\,") || pin.To == "":
			c.Err = fmt.Errorf("%q cannot be written as a version", pin.To)
		default:
			begin, end := starts[lines[i].first-1], len(text)
			if lines[i].last < len(starts) {
				end = starts[lines[i].last]
			}
			at, length, err := findPin(text[begin:end], pin)
			if err != nil {
				c.Err = err
				break
			}
			cut := edit{}
			if hashes := hash().FindAllStringIndex(text[begin:end], -1); hashes != nil {
				if !dropHashes {
					c.Err = ErrHashes
					break
				}
				for _, h := range hashes {
					c.Hashes = append(c.Hashes, strings.TrimLeft(text[begin+h[0]:begin+h[1]], " \t\\\r\n"))
				}
				cut = edit{begin + hashes[0][0], begin + hashes[len(hashes)-1][1], ""}
			}
			edits = append(edits, edit{begin + at, begin + at + length, pin.To})
			if cut.to > 0 {
				edits = append(edits, cut)
			}
		}
		out = append(out, c)
	}
	slices.SortFunc(edits, func(a, b edit) int { return b.from - a.from })
	for i, e := range edits {
		if i > 0 && e.to > edits[i-1].from {
			return nil, nil, errors.New("two pins are in one place")
		}
		text = text[:e.from] + e.text + text[e.to:]
	}
	return enc.encode(text), out, nil
}

// hash is a --hash option with the continuation before it.
var hash = lazy.Regexp(`[ \t]*(?:\\\r?\n[ \t]*|[ \t])--hash[= ][^ \t\r\n\\]+`)

// startsOf is the offset of each line's first byte, as editors count lines.
func startsOf(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' || text[i] == '\r' && !strings.HasPrefix(text[i:], "\r\n") {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// findPin finds the version after == in a requirement.
func findPin(line string, pin Pin) (at, length int, err error) {
	wrong := fmt.Errorf("line %d does not pin %s to %s in a way that can be changed", pin.Line, pin.Name, pin.From)
	// Not in a marker, an option or a comment.
	end := len(line)
	if i := strings.IndexAny(line, ";#"); i >= 0 {
		end = i
	}
	if i := strings.Index(line[:end], "--"); i >= 0 {
		end = i
	}
	head := line[:end]
	if first, _, _ := strings.Cut(strings.TrimSpace(head), "="); !strings.HasPrefix(NormalizeName(first), NormalizeName(pin.Name)) {
		return 0, 0, wrong
	}
	for from := 0; ; {
		i := strings.Index(head[from:], "==")
		if i < 0 {
			return 0, 0, wrong
		}
		at = from + i + 2
		if strings.HasPrefix(head[at:], "=") {
			at++
		}
		at += len(head[at:]) - len(strings.TrimLeft(head[at:], " \t"))
		if rest, ok := strings.CutPrefix(head[at:], pin.From); ok && (rest == "" || strings.ContainsRune(" \t\r\n,)\\;", rune(rest[0]))) {
			return at, len(pin.From), nil
		}
		from = at
	}
}
