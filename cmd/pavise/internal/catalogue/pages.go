package catalogue

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/finding"
)

// tools are in the order of the pages' columns.
func toolNames() []string { return []string{"guard", "audit", "leaks", "lint", "probe"} }

// Catalogue writes the page of all controls and rules.
func Catalogue() []byte {
	x := newIndex()
	var b bytes.Buffer
	b.WriteString("# Catalogue\n\nEvery rule of every tool, by what it is for. A control is what an API should do; what enforces\nit, what looks for it in the source and what puts it to a running API stand together.\n[Coverage](coverage.md) goes by the lists of others.\n\n")
	x.totals(&b)
	b.WriteString("\nWhat nothing of Pavise enforces is for the application, or for whoever deploys it. A guard's rule\nis put to a running API as a promise of the same name, and has the severity of a broken one.\n")
	for _, a := range x.areas {
		fmt.Fprintf(&b, "\n## %s\n", a.Title)
		for _, c := range a.Controls {
			x.control(&b, c)
		}
	}
	return b.Bytes()
}

// totals are the numbers of the rules, by tool and severity.
func (x *index) totals(b *bytes.Buffer) {
	controls := 0
	for _, a := range x.areas {
		controls += len(a.Controls)
	}
	var columns []string
	for s := finding.Critical; s >= finding.Info; s-- {
		columns = append(columns, s.String())
	}
	fmt.Fprintf(b, "**%d controls in %d areas, %d rules.** A rule that has its severity from what it finds counts as *other*.\n\n| tool | rules | %s | other |\n|---|---%s|---|\n",
		controls, len(x.areas), len(x.rules), strings.Join(columns, " | "), strings.Repeat("|---", len(columns)))
	for _, tool := range append(toolNames(), "") {
		n, counts := 0, map[string]int{}
		for _, r := range x.rules {
			if tool == "" || r.Tool == tool {
				n++
				counts[r.Severity]++
			}
		}
		row, rest := "", n
		for _, s := range columns {
			row += " | " + number(counts[s])
			rest -= counts[s]
		}
		fmt.Fprintf(b, "| %s | %d%s | %s |\n", cmp.Or(tool, "all"), n, row, number(rest))
	}
}

// number leaves out what is none.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (x *index) control(b *bytes.Buffer, c Control) {
	rules := x.of(c)
	fmt.Fprintf(b, "\n### %s\n\n%s.\n\n- **enforced** %s\n- **looked for in the source** %s\n- **put to a running API** %s\n",
		c.ID, c.Title, x.enforced(c, rules), x.links(rules, "audit", "leaks", "lint"), x.links(rules, "guard", "probe"))
	var asked []string
	for _, id := range strings.Fields(c.Guide) {
		asked = append(asked, fmt.Sprintf("[%s](coverage.md#%s)", id, id))
	}
	for _, ref := range owasp(x.refs(c)) {
		asked = append(asked, fmt.Sprintf("[%s](coverage.md#%s)", ref, anchor(ref)))
	}
	if len(asked) > 0 {
		fmt.Fprintf(b, "- **asked for by** %s\n", strings.Join(asked, ", "))
	}
	if len(rules) == 0 {
		return
	}
	b.WriteString("\n| rule | claims, or finds | severity | refs |\n|---|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(b, "| [%s](%s) | %s | %s | %s |\n", r.ID, r.Page, cell(r.Claim), r.Severity, cell(strings.Join(r.Refs, ", ")))
	}
}

// enforced says what does it: rules of guards, keys of the policy, packages.
func (x *index) enforced(c Control, rules []Rule) string {
	var parts []string
	if s := x.links(rules, "guard"); s != none {
		parts = append(parts, s)
	}
	for _, key := range strings.Fields(c.Policy) {
		parts = append(parts, fmt.Sprintf("[`%s`](policy.md) of the policy", key))
	}
	for _, name := range strings.Fields(c.Packages) {
		parts = append(parts, fmt.Sprintf("the package [%s](../guides/%s.md)", name, name))
	}
	for _, name := range strings.Fields(c.Commands) {
		parts = append(parts, fmt.Sprintf("[`pavise %s`](commands.md#pavise-%s)", name, name))
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ", ")
}

// none is where a list has nothing in it: what is enforced by none of ours is
// for the application, or for whoever deploys it.
const none = "–"

// links are the rules of some tools. A family of leaks is one link.
func (x *index) links(rules []Rule, tools ...string) string {
	var out []string
	families := 0
	for _, r := range rules {
		switch {
		case !slices.Contains(tools, r.Tool):
		case r.Tool == "leaks" && !x.named[r.ID]:
			families++
		default:
			out = append(out, fmt.Sprintf("[%s](%s)", r.ID, r.Page))
		}
	}
	if families > 0 {
		out = append(out, fmt.Sprintf("[%d rules of leaks](leaks.md)", families))
	}
	if len(out) == 0 {
		return none
	}
	return strings.Join(out, ", ")
}

// owasp are the references to OWASP's lists, in their order.
func owasp(refs []string) []string {
	var out []string
	for _, r := range refs {
		if _, ok := place(r); ok && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		x, _ := place(a)
		y, _ := place(b)
		return slices.Compare(x, y)
	})
	return out
}

// place is where a reference stands in OWASP's lists: API8 is {0, 8}, V3.4.4
// is {1, 3, 4, 4}. All else has none.
func place(ref string) ([]int, bool) {
	out := []int{0}
	rest, ok := strings.CutPrefix(ref, "API")
	if !ok {
		out = []int{1}
		if rest, ok = strings.CutPrefix(ref, "V"); !ok || strings.Count(rest, ".") != 2 {
			return nil, false
		}
	}
	for part := range strings.SplitSeq(rest, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

// anchor is the heading on the page of coverage under which a reference is.
func anchor(ref string) string {
	chapter, _, _ := strings.Cut(ref, ".")
	return strings.ToLower(chapter)
}

// Coverage writes the page that goes by the hardening guide and by OWASP's
// lists.
func Coverage() []byte {
	x := newIndex()
	var b bytes.Buffer
	b.WriteString("# Coverage\n\nWhat the usual hardening guide and OWASP ask for, which [controls](catalogue.md) answer, and what\nis not covered. A rule that names an item is no proof that the item is met: lint finds what can be\nread in the source, a probe what shows from outside, and a guard holds what stands in front. What\nnothing enforces is for the application, or for whoever deploys it.\n\n")
	fmt.Fprintf(&b, "- [The hardening guide](#the-hardening-guide), %d items\n- [OWASP API Security Top 10 2023](#owasp-api-security-top-10-2023), %d items\n- [OWASP ASVS 5.0](#owasp-asvs-50), %d chapters, of whose %d requirements the rules and controls name %d: what no line names is not covered, such as most of what an application has to document.\n",
		len(guide()), len(api()), len(asvs()), len(standard()), len(x.requirements("V")))
	b.WriteString("\n## The hardening guide\n")
	for _, it := range guide() {
		x.item(&b, it, func(c Control) bool { return slices.Contains(strings.Fields(c.Guide), it.id) })
	}
	b.WriteString("\n## OWASP API Security Top 10 2023\n\nA control stands under each item that one of its rules names.\n")
	for _, it := range api() {
		x.item(&b, it, func(c Control) bool { return slices.Contains(x.refs(c), it.id) })
	}
	b.WriteString("\n## OWASP ASVS 5.0\n\nBeside each requirement, the rules that name it, and the controls that do.\n")
	for _, it := range asvs() {
		x.chapter(&b, it)
	}
	return b.Bytes()
}

// head is an item's heading and what is said of it by hand.
func (it item) head(b *bytes.Buffer) {
	title := it.title
	if it.id != strings.ToLower(it.id) { // the id is one that readers know
		title = it.id + ": " + title
	}
	fmt.Fprintf(b, "\n<a id=\"%s\"></a>\n\n### %s\n", strings.ToLower(it.id), title)
	if it.done != "" {
		fmt.Fprintf(b, "\n%s\n", it.done)
	}
}

func (it item) foot(b *bytes.Buffer) { fmt.Fprintf(b, "\n**Not covered:** %s\n", it.not) }

func (x *index) item(b *bytes.Buffer, it item, wanted func(Control) bool) {
	it.head(b)
	b.WriteString("\n| control | enforced | in the source | on a running API |\n|---|---|---|---|\n")
	for _, a := range x.areas {
		for _, c := range a.Controls {
			if !wanted(c) {
				continue
			}
			rules := x.of(c)
			fmt.Fprintf(b, "| [%s](catalogue.md#%s): %s | %s | %s | %s |\n", c.ID, c.ID, lower(c.Title), x.enforced(c, rules), x.links(rules, "audit", "leaks", "lint"), x.links(rules, "probe"))
		}
	}
	it.foot(b)
}

// requirements are the references below a prefix that some rule or control
// names.
func (x *index) requirements(prefix string) []string {
	var all []string
	for _, r := range x.rules {
		all = append(all, r.Refs...)
	}
	for _, a := range x.areas {
		for _, c := range a.Controls {
			all = append(all, strings.Fields(c.Refs)...)
		}
	}
	return slices.DeleteFunc(owasp(all), func(r string) bool { return !strings.HasPrefix(r, prefix) })
}

func (x *index) chapter(b *bytes.Buffer, it item) {
	it.head(b)
	if reqs := x.requirements(it.id + "."); len(reqs) > 0 {
		b.WriteString("\n| requirement | rules | controls |\n|---|---|---|\n")
		for _, req := range reqs {
			var rules []Rule
			var controls []string
			for _, r := range x.rules {
				if slices.Contains(r.Refs, req) {
					rules = append(rules, r)
				}
			}
			for _, a := range x.areas {
				for _, c := range a.Controls {
					named := slices.Contains(strings.Fields(c.Refs), req)
					if named || slices.ContainsFunc(x.of(c), func(r Rule) bool { return slices.Contains(r.Refs, req) }) {
						controls = append(controls, fmt.Sprintf("[%s](catalogue.md#%s)", c.ID, c.ID))
					}
				}
			}
			list := x.links(rules, toolNames()...)
			if list == none {
				list = ""
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", req, list, strings.Join(controls, ", "))
		}
		if rest := unnamed(it.id, reqs); len(rest) > 0 {
			fmt.Fprintf(b, "\nNo rule names a requirement of %s.\n", strings.Join(rest, "; "))
		}
	} else {
		b.WriteString("\nNo rule names a requirement of this chapter.\n")
	}
	it.foot(b)
}

// unnamed are the sections of a chapter that none of the requirements is of.
func unnamed(chapter string, reqs []string) []string {
	var out []string
	for _, s := range sections() {
		of := func(req string) bool { return strings.HasPrefix(req, s.id+".") }
		if strings.HasPrefix(s.id, chapter+".") && !slices.ContainsFunc(reqs, of) {
			out = append(out, s.id+" "+s.title)
		}
	}
	return out
}

// Table writes the rules of a tool that have no pages of their own.
func Table(tool, intro string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Rules of pavise %s\n\n%s\n\n| rule | finds | severity | refs |\n|---|---|---|---|\n", tool, intro)
	for _, r := range Rules() {
		if r.Tool == tool {
			fmt.Fprintf(&b, "| <a id=\"%s\"></a>%s | %s | %s | %s |\n", strings.TrimPrefix(r.ID, tool+"/"), r.ID, cell(r.Claim), r.Severity, strings.Join(r.Refs, ", "))
		}
	}
	return b.Bytes()
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}

// lower begins a sentence as a part of another, unless its first word has
// capitals of its own.
func lower(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if first[1:] != strings.ToLower(first[1:]) {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
