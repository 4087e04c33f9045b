//go:build real

package pep508

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/audit/internal/peer"
)

const root = "../../../.."

type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) marker(depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		m := g.marker(depth-1) + g.pick(" and ", " or ", "  and\t", " or") + g.pick("", " ") + g.marker(depth-1)
		return g.pick(m, "("+m+")", "( "+m+" )")
	}
	var left, right, op string
	switch g.IntN(4) {
	case 0, 1:
		left = g.pick("python_version", "python_full_version", "implementation_version")
		op = g.pick("==", "!=", "<", "<=", ">", ">=", "~=", "in", "not in")
		right = g.pick("3.8", "3.11", "3.12", "3.11.4", "2.7", "3", "3.11.*", "3.10, 3.11", "3.11 3.12", "3.11.4rc1", "")
		if strings.HasSuffix(right, "*") && op != "==" && op != "!=" {
			right = "3.11"
		}
	case 2:
		left = g.pick("sys_platform", "os_name", "platform_system", "platform_machine", "os.name", "sys.platform", "implementation_name", "platform_python_implementation", "python_implementation")
		op = g.pick("==", "!=", "in", "not in", "==")
		right = g.pick("linux", "win32", "posix", "Linux", "x86_64", "linux win32", "CPython", "cpython", "")
	default:
		// In normal form: within parentheses packaging forgets to normalize.
		left, op, right = "extra", g.pick("==", "!="), g.pick("dev", "test", "d-e-v")
	}
	quote := g.pick("'", `"`)
	right = quote + right + quote
	if left != "extra" && op != "in" && op != "not in" && !strings.ContainsAny(right, " *") && len(right) > 2 && g.IntN(5) == 0 {
		left, right = right, left
	}
	return left + g.pick(" ", "", "  ") + g.spaced(op) + g.pick(" ", "") + right
}

func (g generator) spaced(op string) string {
	if op == "in" || op == "not in" {
		return " " + strings.ReplaceAll(op, " ", g.pick(" ", "  ")) + " "
	}
	return op
}

func TestMarkersAgainstPackaging(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(5, 6))}
	theirEnvironment := map[string]string{
		"python_version": "3.11", "python_full_version": "3.11.4", "implementation_version": "3.11.4", "implementation_name": "cpython",
		"platform_python_implementation": "CPython", "os_name": "posix", "sys_platform": "linux", "platform_system": "Linux",
		"platform_machine": "x86_64", "platform_release": "6.1", "platform_version": "#1", "extra": "dev",
	}
	ours := For("3.11.4", "linux")
	ours.Values["platform_machine"] = "x86_64"
	ours.Extras = []string{"dev"}
	var cases [][2]any
	for range 20000 {
		cases = append(cases, [2]any{g.marker(g.IntN(3)), theirEnvironment})
	}
	var answers []*bool
	peer.Ask(t, root, "markers", cases, &answers)
	counts := map[Truth]int{}
	for i, c := range cases {
		text := c[0].(string)
		m, err := ParseMarker(text)
		if answers[i] == nil {
			continue // it is refused there, or comes to an error: ours need not be as strict
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := m.Eval(ours)
		counts[got]++
		// packaging calls every order of what is no version false, and others
		// compare it as texts: ours does not exclude anything by it.
		if got == Unknown && strings.ContainsAny(text, "<>~") {
			continue
		}
		if got != truth(*answers[i]) {
			t.Errorf("%s: %v, packaging says %v", text, got, *answers[i])
		}
	}
	if counts[True] < 5000 || counts[False] < 5000 {
		t.Errorf("%v: the cases show little", counts)
	}
}

func TestRequirementsAgainstPackaging(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(7, 8))}
	var cases []string
	// Without ===, which packaging reads up to the next space, nothing included.
	for range 20000 {
		s := g.pick("", " ") + g.pick("a", "Flask", "zope.interface", "x-y_z", "A1", "-a", "a-", "1a", "a b")
		s += g.pick("", "", "[]", "[dev]", "[dev,test]", "[ dev , te-st ]", "[,]", "[dev", "[dev,]")
		switch g.IntN(6) {
		case 0:
			s += g.pick(" @ ", "@", " @") + g.pick("https://example.com/a.zip", "git+https://u:p@example.com/r@v1#egg=a", "file:///a", "") + g.pick("", " ", " ; ")
		case 1:
			s += g.pick(" ", "") + "(" + g.pick("==1.0", ">=1,<2", "") + g.pick(")", ") ", "")
		default:
			for i := range g.IntN(3) {
				if i > 0 {
					s += g.pick(",", " , ", ",", " ")
				}
				s += g.pick("", " ") + g.pick("==", ">=", "~=", "!=", "<", "=") + g.pick("", " ") + g.pick("1.0", "1", "2.0rc1", "1.*", "1.0+local", "x", "")
			}
		}
		if g.IntN(2) == 0 {
			s += g.pick(";", " ; ") + g.marker(1)
		}
		cases = append(cases, s+g.pick("", "", " ", "x"))
	}
	var answers []*struct {
		Name               string
		Extras, Specifiers []string
		URL                string
	}
	peer.Ask(t, root, "require", cases, &answers)
	read, refused := 0, 0
	for i, text := range cases {
		r, err := Parse(text)
		if (err == nil) != (answers[i] != nil) {
			t.Errorf("%q: %v; packaging: %+v", text, err, answers[i])
			continue
		}
		if err != nil {
			refused++
			continue
		}
		read++
		extras := slices.Clone(r.Extras)
		slices.Sort(extras)
		var specifiers []string
		for _, s := range r.Specifiers {
			specifiers = append(specifiers, s.String())
		}
		slices.Sort(specifiers)
		if want := answers[i]; r.Name != want.Name || r.URL != want.URL || !slices.Equal(slices.Compact(extras), want.Extras) || !slices.Equal(slices.Compact(specifiers), slices.Compact(want.Specifiers)) {
			t.Errorf("%q: %q; packaging: %+v", text, r, want)
		}
	}
	if read < 3000 || refused < 3000 {
		t.Errorf("%d read, %d refused: the cases show little", read, refused)
	}
}
