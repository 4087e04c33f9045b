package inventory

import (
	"errors"
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	const before = "# pins\r\nflask == 2.0.1 ; python_version < '2.0.1'  # not 2.0.1 ever\r\n" +
		"Zope.Interface[test]==5.0,>4\r\n" +
		"django==3.2 \\\r\n    --hash=sha256:aa \\\r\n    --hash=sha256:bb  # via app\r\n" +
		"six===1.0\r\nattrs>=1,==22.1.0"
	after, changes, err := Rewrite([]byte(before), []Pin{
		{Line: 2, Name: "Flask", From: "2.0.1", To: "2.2.5"},
		{Line: 3, Name: "zope-interface", From: "5.0", To: "6.1"},
		{Line: 4, Name: "django", From: "3.2", To: "3.2.25"},
		{Line: 7, Name: "six", From: "1.0", To: "1.17"},
		{Line: 8, Name: "attrs", From: "22.1.0", To: "23"},
		{Line: 8, Name: "nosuch", From: "22.1.0", To: "23"},
		{Line: 5, Name: "django", From: "3.2", To: "3.2.25"},
		{Line: 2, Name: "flask", From: "2.0", To: "2.2.5"},
		{Line: 2, Name: "flask", From: "2.0.1", To: "2.2.5\nevil==1"},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("flask == 2.0.1", "flask == 2.2.5", "==5.0", "==6.1", "===1.0", "===1.17", "==22.1.0", "==23").Replace(before)
	if string(after) != want {
		t.Errorf("got\n%q\nwant\n%q", after, want)
	}
	for i, c := range changes {
		if refused := c.Err != nil; refused != (i == 2 || i > 4) {
			t.Errorf("%+v: %v", c.Pin, c.Err)
		}
	}
	if !errors.Is(changes[2].Err, ErrHashes) {
		t.Errorf("got %v", changes[2].Err)
	}

	// Hashes that may be dropped are, and are named; the comment stays.
	after, changes, err = Rewrite([]byte(before), []Pin{{Line: 4, Name: "django", From: "3.2", To: "3.2.25"}}, true)
	if err != nil || changes[0].Err != nil {
		t.Fatal(err, changes)
	}
	if !strings.Contains(string(after), "\r\ndjango==3.2.25  # via app\r\n") || len(changes[0].Hashes) != 2 {
		t.Errorf("got %q, %q", after, changes[0].Hashes)
	}
}

// TestRewriteKeepsTheEncoding: a file of Windows' shells stays one.
func TestRewriteKeepsTheEncoding(t *testing.T) {
	for _, e := range []encoding{{"utf-16le", "\xff\xfe"}, {"utf-16be", "\xfe\xff"}, {"utf-8", "\xef\xbb\xbf"}, {"utf-16le", ""}} {
		before, want := e.encode("flask==2.0  # ö\r\n"), e.encode("flask==2.2  # ö\r\n")
		after, changes, err := Rewrite(before, []Pin{{Line: 1, Name: "flask", From: "2.0", To: "2.2"}}, false)
		if err != nil || changes[0].Err != nil || string(after) != string(want) {
			t.Errorf("%s: %q, %v %+v", e.name, after, err, changes)
		}
	}
}

// FuzzRewrite: the file says the same after a pin was changed, but for its
// version; and a change that is refused changes nothing.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{"flask==2.0.1 \\\n --hash=sha256:aa\n", "a == 1 # x\r\nb==1 ; os_name=='x'", "a[b,c]==1,>=0\n-r x", "a===1", "\xff\xfea\x00=\x00=\x001\x00"} {
		f.Add([]byte(s), "9.9")
	}
	inventoryOf := func(data []byte) ([]Dependency, []Problem, error) {
		r := &run{seen: map[string]bool{}, includedBy: map[string][]string{}, constraints: map[string][]string{}}
		err := readRequirements(&source{run: r, path: "/nonexistent/requirements.txt", data: data})
		return r.found.Dependencies, r.found.Problems, err
	}
	f.Fuzz(func(t *testing.T, data []byte, to string) {
		before, problems, err := inventoryOf(data)
		if err != nil {
			return
		}
		// A version that the requirement may be of, for what else it says.
		to = "99." + strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, to) + "0"
		for i, d := range before {
			if d.Status != Audited || strings.Contains(d.Text, "@") || strings.Contains(d.Text, "/") {
				continue
			}
			after, changes, err := Rewrite(data, []Pin{{Line: d.Where.Line, Name: d.Name, From: d.Version, To: to}}, true)
			if err != nil {
				t.Fatal(err)
			}
			if changes[0].Err != nil {
				if string(after) != string(data) {
					t.Fatalf("%q: refused (%v), and changed to %q", data, changes[0].Err, after)
				}
				continue
			}
			now, nowProblems, err := inventoryOf(after)
			if err != nil || len(now) != len(before) || len(nowProblems) != len(problems) {
				t.Fatalf("%q became %q: %d and %d, %v", data, after, len(before), len(now), err)
			}
			for j := range now {
				want := before[j]
				if i == j {
					want.Version, want.Text = to, now[j].Text
				}
				// Dropped hashes may take lines with them.
				want.Where.Line = now[j].Where.Line
				if now[j].Name != want.Name || now[j].Version != want.Version || now[j].Status != want.Status || now[j].Reason != want.Reason {
					t.Fatalf("%q became %q: %+v, want %+v", data, after, now[j], want)
				}
			}
		}
	})
}
