package output

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// maxPositions bounds the work: pairs of them are looked at.
const maxPositions = 250

// exponential is the part of a pattern that can match one text in a number of
// ways that doubles with its length, where something behind can fail: then a
// matcher that backtracks tries all of them. It is "" when there is none, and
// when the pattern says what package syntax does not know.
//
// The pattern is an automaton of its positions (Glushkov). Two different ways
// through a loop, from a position back to it over the same text, are a cycle
// of the automaton's product with itself that leaves the diagonal (Weber and
// Seidl, 1991; Weideman et al., 2016).
func exponential(pattern string, full bool) string {
	if len(pattern) > 1000 || !strings.ContainsAny(pattern, "*+{") || strings.Contains(pattern, "(?x") {
		return ""
	}
	for _, group := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		pattern = strings.ReplaceAll(pattern, group, "(?:")
	}
	pattern = strings.ReplaceAll(pattern, `\Z`, `\z`)
	if alike := same(pattern); alike != "" && !strings.HasSuffix(pattern, alike) {
		return alike
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	a := &automaton{double: map[pair]bool{}}
	whole := a.add(re)
	if a.over || len(a.runes) == 0 {
		return ""
	}
	for _, loop := range slices.Backward(a.loops) { // the outermost first
		if !a.twoWays(loop.first) {
			continue
		}
		// Nothing behind the loop can fail when a match may end there.
		if !full && slices.ContainsFunc(loop.first, func(q int) bool { return slices.Contains(whole.last, q) }) {
			continue
		}
		text := loop.re.String()
		if len(text) > 60 {
			return "a repetition in the pattern"
		}
		return text
	}
	return ""
}

// same is a group of two choices that are alike, which the parser makes one of.
func same(pattern string) string {
	for rest := pattern; ; {
		i := strings.IndexByte(rest, '(')
		if i < 0 {
			return ""
		}
		rest = rest[i+1:]
		inside, after, ok := strings.Cut(rest, ")")
		if !ok || after == "" || after[0] != '*' && after[0] != '+' || strings.Contains(inside, "(") {
			continue
		}
		x, y, ok := strings.Cut(strings.TrimPrefix(inside, "?:"), "|")
		if ok && x == y && x != "" {
			return "(" + inside + ")" + after[:1]
		}
	}
}

// An automaton has a state for each character that stands in the pattern.
type automaton struct {
	runes [][]rune // ranges; empty of what matches no character
	next  [][]int
	// double are steps that two parts of the pattern take.
	double map[pair]bool
	loops  []loop
	over   bool
}

type pair struct{ x, y int }

type loop struct {
	first []int
	re    *syntax.Regexp
}

// A part is a piece of the pattern: where it begins and ends, and whether it
// matches the empty text.
type part struct {
	first, last []int
	empty       bool
}

func (a *automaton) position(ranges []rune) part {
	if len(a.runes) >= maxPositions {
		a.over = true
		return part{}
	}
	a.runes = append(a.runes, ranges)
	a.next = append(a.next, nil)
	i := []int{len(a.runes) - 1}
	return part{first: i, last: i}
}

func (a *automaton) link(from, to []int) {
	for _, f := range from {
		for _, t := range to {
			if slices.Contains(a.next[f], t) {
				a.double[pair{f, t}] = true // by an inner loop and by an outer
				continue
			}
			a.next[f] = append(a.next[f], t)
		}
	}
}

func (a *automaton) then(x, y part) part {
	a.link(x.last, y.first)
	out := part{first: x.first, last: y.last, empty: x.empty && y.empty}
	if x.empty {
		out.first = slices.Concat(x.first, y.first)
	}
	if y.empty {
		out.last = slices.Concat(y.last, x.last)
	}
	return out
}

func (a *automaton) add(re *syntax.Regexp) part {
	out := part{empty: true}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			ranges := []rune{r, r}
			if re.Flags&syntax.FoldCase != 0 {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					ranges = append(ranges, f, f)
				}
			}
			out = a.then(out, a.position(ranges))
		}
	case syntax.OpCharClass:
		return a.position(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return a.position([]rune{0, 0x10FFFF})
	case syntax.OpEndLine, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpNoMatch:
		return a.position(nil) // may fail, and no loop goes through it
	case syntax.OpCapture:
		return a.add(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			out = a.then(out, a.add(sub))
		}
	case syntax.OpAlternate:
		out.empty = false
		for _, sub := range re.Sub {
			x := a.add(sub)
			out.first = append(slices.Clone(out.first), x.first...)
			out.last = append(slices.Clone(out.last), x.last...)
			out.empty = out.empty || x.empty
		}
	case syntax.OpQuest:
		out = a.add(re.Sub[0])
		out.empty = true
	case syntax.OpStar, syntax.OpPlus:
		return a.repeat(re, re.Op == syntax.OpStar)
	case syntax.OpRepeat:
		if re.Max < 0 || re.Max >= 16 {
			return a.repeat(re, re.Min == 0)
		}
		if re.Max == 0 {
			return out
		}
		out = a.add(re.Sub[0])
		out.empty = out.empty || re.Min == 0
	}
	return out
}

func (a *automaton) repeat(re *syntax.Regexp, empty bool) part {
	out := a.add(re.Sub[0])
	a.link(out.last, out.first)
	out.empty = out.empty || empty
	a.loops = append(a.loops, loop{out.first, re})
	return out
}

// twoWays tells whether one of the states comes back to itself in two ways
// over the same text.
func (a *automaton) twoWays(states []int) bool {
	for _, q := range states {
		// Forward from (q, q), then backward: what is in both is on a cycle.
		forward := map[pair]bool{{q, q}: true}
		back := map[pair][]pair{}
		work := []pair{{q, q}}
		for len(work) > 0 {
			s := work[len(work)-1]
			work = work[:len(work)-1]
			for _, x := range a.next[s.x] {
				for _, y := range a.next[s.y] {
					if !overlap(a.runes[x], a.runes[y]) {
						continue
					}
					to := pair{x, y}
					back[to] = append(back[to], s)
					if !forward[to] {
						forward[to] = true
						work = append(work, to)
					}
				}
			}
		}
		seen := map[pair]bool{{q, q}: true}
		work = []pair{{q, q}}
		for len(work) > 0 {
			s := work[len(work)-1]
			work = work[:len(work)-1]
			for _, from := range back[s] {
				if from.x != from.y || s.x == s.y && a.double[pair{from.x, s.x}] {
					return true
				}
				if seen[from] {
					continue
				}
				seen[from] = true
				work = append(work, from)
			}
		}
	}
	return false
}

func overlap(a, b []rune) bool {
	for i := 0; i+1 < len(a); i += 2 {
		for j := 0; j+1 < len(b); j += 2 {
			if a[i] <= b[j+1] && b[j] <= a[i+1] {
				return true
			}
		}
	}
	return false
}
