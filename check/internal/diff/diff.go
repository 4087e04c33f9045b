// Package diff writes a change to a file in the form that patch and git apply
// read, and people too.
package diff

import (
	"fmt"
	"strings"
)

// contextLines is how many lines that stay are shown around those that change.
const contextLines = 3

// Unified is the change from was to is as a unified diff; it is empty where they
// are the same. A was of nil is a file that is not there. The lines are as they
// stand in the file: whoever shows them at a terminal makes them harmless.
func Unified(file string, was, is []byte) string {
	before, after := lines(was), lines(is)
	type hunk struct{ from, to, newFrom, newTo int }
	var hunks []hunk
	for i, j := 0, 0; i < len(before) || j < len(after); {
		if i < len(before) && j < len(after) && before[i] == after[j] {
			i, j = i+1, j+1
			continue
		}
		ni, nj := meet(before, after, i, j)
		if n := len(hunks); n > 0 && i-hunks[n-1].to <= 2*contextLines {
			hunks[n-1].to, hunks[n-1].newTo = ni, nj
		} else {
			hunks = append(hunks, hunk{i, ni, j, nj})
		}
		i, j = ni, nj
	}
	if len(hunks) == 0 {
		return ""
	}
	var b strings.Builder
	old := "a/" + file
	if was == nil {
		old = "/dev/null"
	}
	fmt.Fprintf(&b, "--- %s\n+++ b/%s\n", old, file)
	for _, h := range hunks {
		lead := min(contextLines, h.from)
		tail := min(contextLines, len(before)-h.to)
		start, newStart := h.from-lead+1, h.newFrom-lead+1
		n, m := h.to-h.from+lead+tail, h.newTo-h.newFrom+lead+tail
		if n == 0 {
			start--
		}
		if m == 0 {
			newStart--
		}
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@\n", start, n, newStart, m)
		put := func(mark byte, line string) {
			b.WriteByte(mark)
			b.WriteString(line)
			if !strings.HasSuffix(line, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
		i, j := h.from-lead, h.newFrom-lead
		for i < h.to+tail || j < h.newTo+tail {
			if i < h.to+tail && j < h.newTo+tail && before[i] == after[j] {
				put(' ', before[i])
				i, j = i+1, j+1
				continue
			}
			ni, nj := meet(before[:h.to+tail], after[:h.newTo+tail], i, j)
			for ; i < ni; i++ {
				put('-', before[i])
			}
			for ; j < nj; j++ {
				put('+', after[j])
			}
		}
	}
	return b.String()
}

func lines(data []byte) []string {
	out := strings.SplitAfter(string(data), "\n")
	if out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// meet finds the next line that both have. Changes are small: the nearest is
// the right one.
func meet(before, after []string, i, j int) (ni, nj int) {
	for n := 1; n < min(4096, len(before)-i+len(after)-j); n++ {
		for k := 0; k <= n; k++ {
			if i+k < len(before) && j+n-k < len(after) && before[i+k] == after[j+n-k] {
				return i + k, j + n - k
			}
		}
	}
	return len(before), len(after)
}
