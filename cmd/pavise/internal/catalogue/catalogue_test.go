package catalogue

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../../../.."

// controlsOf are all controls, in one list.
func controlsOf(areas []Area) (out []Control) {
	for _, a := range areas {
		out = append(out, a.Controls...)
	}
	return out
}

// TestEveryRuleIsPlaced holds the table to the rules that there are, both
// ways.
func TestEveryRuleIsPlaced(t *testing.T) {
	x := newIndex()
	for _, r := range x.rules {
		if len(x.ofRule[r.ID]) == 0 {
			t.Errorf("%s (%s) is in no control: write its id into the Rules of the control in cmd/pavise/internal/catalogue/controls.go that it belongs to,\nor add one there:\n\t{ID: %q, Title: \"...\", Rules: %q},\nand then run: go run ./cmd/pavise docs docs/reference",
				r.ID, r.Claim, r.ID[strings.Index(r.ID, "/")+1:], r.ID)
		}
	}
	for _, c := range controlsOf(x.areas) {
		for _, word := range strings.Fields(c.Rules) {
			if _, ok := x.byID[word]; !ok && !strings.HasSuffix(word, "*") {
				t.Errorf("the control %s has the rule %s, which is of no tool: take it out of cmd/pavise/internal/catalogue/controls.go, or write its new name there", c.ID, word)
			}
		}
	}
}

// TestRulesAreWhole finds rules that lack what a page shows of them.
func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] {
			t.Errorf("%s stands twice", r.ID)
		}
		seen[r.ID] = true
		if r.Claim == "" || r.Severity == "" || r.Severity == "unknown" || r.Page == "" {
			t.Errorf("%s lacks its claim, severity or page: %+v", r.ID, r)
		}
		if r.Tool != "guard" && !strings.HasPrefix(r.ID, r.Tool+"/") {
			t.Errorf("%s is of %s", r.ID, r.Tool)
		}
	}
	if len(seen) < 500 {
		t.Errorf("only %d rules", len(seen))
	}
}

// TestControls holds the table's own words to what they name.
func TestControls(t *testing.T) {
	keys := read(t, "docs/reference/policy.md")
	commands := read(t, "docs/reference/commands.md")
	var items []string
	for _, it := range guide() {
		items = append(items, it.id)
	}
	x, seen, used := newIndex(), map[string]bool{}, map[string]bool{}
	for _, c := range controlsOf(x.areas) {
		if len(x.of(c)) == 0 && c.Policy+c.Packages+c.Commands == "" {
			t.Errorf("the control %s has nothing that does it or looks for it", c.ID)
		}
		if seen[c.ID] || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(c.ID) {
			t.Errorf("%q is no name of a control, or of two", c.ID)
		}
		seen[c.ID] = true
		if c.Title == "" || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: the title %q", c.ID, c.Title)
		}
		for _, key := range strings.Fields(c.Policy) {
			if !strings.Contains(keys, "| `"+key+"` |") {
				t.Errorf("%s: the policy has no key %s", c.ID, key)
			}
		}
		for _, name := range strings.Fields(c.Packages) {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
		}
		for _, name := range strings.Fields(c.Commands) {
			if !strings.Contains(commands, "\n## pavise "+name+"\n") {
				t.Errorf("%s: there is no command %s", c.ID, name)
			}
		}
		for _, id := range strings.Fields(c.Guide) {
			used[id] = true
			if !slices.Contains(items, id) {
				t.Errorf("%s: the guide has no item %s", c.ID, id)
			}
		}
		for _, ref := range strings.Fields(c.Refs) {
			if _, ok := place(ref); !ok {
				t.Errorf("%s: %q is neither of the API Security Top 10 nor of ASVS", c.ID, ref)
			}
		}
	}
	for _, id := range items {
		if !used[id] {
			t.Errorf("no control is of the guide's item %s", id)
		}
	}
}

// TestRefsHaveAnItem finds references to chapters that there are not.
func TestRefsHaveAnItem(t *testing.T) {
	x := newIndex()
	var known []string
	for _, it := range append(api(), asvs()...) {
		known = append(known, it.id)
	}
	for _, req := range x.requirements("") {
		chapter, _, _ := strings.Cut(req, ".")
		if !slices.Contains(known, chapter) {
			t.Errorf("%s is of no item of the lists", req)
		}
	}
	for _, it := range api() {
		if !slices.Contains(x.requirements("API"), it.id) {
			t.Errorf("no control is of %s", it.id)
		}
	}
	// Another list's numbers look the same.
	for _, r := range x.rules {
		for _, ref := range r.Refs {
			if strings.Contains(ref, ":2019") {
				t.Errorf("%s: %s is of the list of 2019", r.ID, ref)
			}
		}
	}
}

// TestLinksLead follows the links of the pages to their headings, as far as
// those are on generated pages: a page that is not there is found elsewhere.
func TestLinksLead(t *testing.T) {
	pages := map[string][]byte{"catalogue.md": Catalogue(), "coverage.md": Coverage(), "leaks.md": Table("leaks", ""), "audit.md": Table("audit", ""),
		"rules.md": []byte(read(t, "docs/reference/rules.md")), "commands.md": []byte(read(t, "docs/reference/commands.md"))}
	anchors := map[string]map[string]bool{}
	for name, text := range pages {
		anchors[name] = map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$|<a id="([^"]*)">`).FindAllSubmatch(text, -1) {
			id := string(m[2])
			if id == "" { // as GitHub makes them of headings
				id = strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(string(m[1])), ""), " ", "-")
			}
			anchors[name][id] = true
		}
	}
	for _, from := range []string{"catalogue.md", "coverage.md"} {
		n := 0
		for _, m := range regexp.MustCompile(`\]\(([a-z.]*)#([^)]*)\)`).FindAllSubmatch(pages[from], -1) {
			to := string(m[1])
			if to == "" {
				to = from
			}
			n++
			if !anchors[to][string(m[2])] {
				t.Errorf("%s: %s has no heading %s", from, to, m[2])
			}
		}
		if n < 100 {
			t.Errorf("%s: only %d links", from, n)
		}
	}
}

// TestCoverage looks at the page as its reader does.
func TestCoverage(t *testing.T) {
	page := Coverage()
	for _, it := range slices.Concat(guide(), api(), asvs()) {
		if it.not == "" {
			t.Errorf("%s does not say what is not covered", it.id)
		}
	}
	if n := bytes.Count(page, []byte("\n**Not covered:** ")); n != len(guide())+len(api())+len(asvs()) {
		t.Errorf("%d items say what is not covered", n)
	}
	for _, want := range []string{
		"| V3.4.5 | [headers/referrer](rules.md#headersreferrer), [probe/referrer-policy](probe/referrer-policy.md) | [referrer](catalogue.md#referrer) |\n",
		"\nNo rule names a requirement of V16.1 Security Logging Documentation.\n",
		"### V17: WebRTC\n\nNo rule names a requirement of this chapter.\n",
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestRelated(t *testing.T) {
	if got := Related("hosts/listed"); !slices.Contains(got, "lint/no-host-check") || !slices.Contains(got, "probe/unknown-host") || slices.Contains(got, "hosts/well-formed") {
		t.Errorf("hosts/listed: %v", got)
	}
	if got := Related("lint/secret-literal"); !slices.Equal(got, []string{"leaks"}) {
		t.Errorf("lint/secret-literal: %v", got)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
