package diff

import (
	"fmt"
	"strings"
	"testing"
)

func TestUnified(t *testing.T) {
	ten := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
	for _, tc := range []struct{ name, was, is, want string }{
		{"nothing", ten, ten, ""},
		{"a line in the middle", ten, strings.Replace(ten, "5\n", "five\n", 1), "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"},
		{"two that are far", ten, "one\n2\n3\n4\n5\n6\n7\n8\n9\nten\n", "--- a/f\n+++ b/f\n@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n@@ -7,4 +7,4 @@\n 7\n 8\n 9\n-10\n+ten\n"},
		{"lines that go and come", "a\nb\nc\n", "b\nx\nc\n", "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n-a\n b\n+x\n c\n"},
		{"no line break at the end", "a\nb", "a\nc", "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"},
		{"all goes", "a\n", "", "--- a/f\n+++ b/f\n@@ -1,1 +0,0 @@\n-a\n"},
	} {
		if got := Unified("f", []byte(tc.was), []byte(tc.is)); got != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
	if got := Unified("f", nil, []byte("a\n")); got != "--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n" {
		t.Errorf("a new file:\n%s", got)
	}
}

// What a diff makes of the one is the other.
func FuzzUnified(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\n")
	f.Add("a\r\nb", "b\n\n")
	f.Add("x\n", "y\nx\nx\n")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, was, is string) {
		text := Unified("f", []byte(was), []byte(is))
		if (text == "") != (was == is) {
			t.Fatalf("%q", text)
		}
		if got := patch(t, was, text); got != is {
			t.Errorf("%q, want %q\n%s", got, is, text)
		}
	})
}

// patch applies a diff as patch does.
func patch(t *testing.T, was, text string) string {
	t.Helper()
	if text == "" {
		return was
	}
	old, at := lines([]byte(was)), 0
	var out strings.Builder
	rest := strings.SplitAfter(text, "\n")[2:]
	for n, l := range rest {
		bare := strings.TrimSuffix(l, "\n")
		if n+1 < len(rest) && strings.HasPrefix(rest[n+1], `\ `) {
			l = bare
		}
		switch {
		case strings.HasPrefix(l, "@@ "):
			var from, count int
			if _, err := fmt.Sscanf(l, "@@ -%d,%d ", &from, &count); err != nil {
				t.Fatal(err)
			}
			if count > 0 {
				from--
			}
			for ; at < from; at++ {
				out.WriteString(old[at])
			}
		case strings.HasPrefix(l, "+"):
			out.WriteString(l[1:])
		case strings.HasPrefix(l, "-"), strings.HasPrefix(l, " "):
			if old[at] != l[1:] {
				t.Fatalf("line %d is %q, and the diff says %q", at+1, old[at], l[1:])
			}
			if l[0] == ' ' {
				out.WriteString(old[at])
			}
			at++
		}
	}
	return out.String() + strings.Join(old[at:], "")
}
