package injection

import (
	"bytes"
	"errors"
	htmltemplate "html/template"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// worked makes an engine of an expression for what it works out, and of one for
// what it takes for a fault.
func worked(expr, fault string, makes func(a, b int) int) func(string) (string, error) {
	re := regexp.MustCompile(expr)
	wrong := regexp.MustCompile(fault)
	return func(s string) (string, error) {
		s = re.ReplaceAllStringFunc(s, func(m string) string {
			f := re.FindStringSubmatch(m)
			a, _ := strconv.Atoi(f[1])
			b, _ := strconv.Atoi(f[2])
			return strconv.Itoa(makes(a, b))
		})
		if fault != "" && wrong.MatchString(s) {
			return "", errors.New("a fault")
		}
		return s, nil
	}
}

// mustache knows sections of what is not there, and values that are not there.
func mustache(s string) (string, error) {
	s = regexp.MustCompile(`\{\{#(\w+)\}\}.*?\{\{/\w+\}\}`).ReplaceAllString(s, "")
	s = regexp.MustCompile(`\{\{\^(\w+)\}\}(.*?)\{\{/\w+\}\}`).ReplaceAllString(s, "$2")
	return regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAllString(s, ""), nil
}

func goText(s string) (string, error) {
	tm, err := texttemplate.New("x").Parse(s)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = tm.Execute(&b, map[string]string{"Name": "x"})
	return b.String(), err
}

func goHTML(s string) (string, error) {
	tm, err := htmltemplate.New("x").Parse(s)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = tm.Execute(&b, map[string]string{"Name": "x"})
	return b.String(), err
}

// TestEngines: engines of many languages, however a fault is answered, and what
// is none.
func TestEngines(t *testing.T) {
	product := func(a, b int) int { return a * b }
	replaced := func(expr, with string) func(string) (string, error) {
		re := regexp.MustCompile(expr)
		return func(s string) (string, error) { return re.ReplaceAllString(s, with), nil }
	}
	crash, refuse, asItIs := 500, 400, 200
	all := []int{crash, refuse, asItIs}
	for _, c := range []struct {
		name    string
		render  func(string) (string, error)
		onFault []int
		want    trial.Verdict
	}{
		{"text/template", goText, all, trial.Fail},
		{"html/template", goHTML, all, trial.Fail},
		{"Jinja", worked(`\{\{(\d+)\*(\d+)\}\}`, "", product), all[:1], trial.Fail},
		{"ERB", worked(`<%=(\d+)\*(\d+)%>`, "", product), all[:1], trial.Fail},
		{"FreeMarker", worked(`\$\{(\d+)\*(\d+)\}`, "", product), all[:1], trial.Fail},
		{"Mako", worked(`\$\{(\d+)\*(\d+)\}`, `<%`, product), all, trial.Fail},
		{"Velocity", worked(`#set\(\$pv=(\d+)\*(\d+)\)\$pv`, `#\{|\$\{\d`, product), all, trial.Fail},
		{"Liquid", func(s string) (string, error) {
			s, _ = worked(`\{\{(\d+)\|times:(\d+)\}\}`, "", product)(s)
			return regexp.MustCompile(`\{\{(\d+)[^}]*\}\}`).ReplaceAllString(s, "$1"), nil
		}, all[:1], trial.Fail},
		{"Django", worked(`\{\{"(\d+)"\|add:"(\d+)"\}\}`, `\{\{`, func(a, b int) int { return a + b }), all, trial.Fail},
		{"Smarty", worked(`\{(\d+)\*(\d+)\}`, `\{|\}`, product), all, trial.Fail},
		{"Mustache", mustache, all[:1], trial.Fail},
		{"Handlebars", func(s string) (string, error) {
			if regexp.MustCompile(`\{\{\d+\*`).MatchString(s) {
				return "", errors.New("a fault")
			}
			return mustache(s)
		}, all, trial.Fail},

		{"placeholders that are taken out", replaced(`\{\{.*?\}\}`, ""), all[:1], trial.Pass},
		{"placeholders that are taken out, to the last", replaced(`\{\{.*\}\}`, ""), all[:1], trial.Pass},
		{"placeholders in place of which a text is put", replaced(`[{$#<%]+[^}>]*[}>%]+`, "Alice"), all[:1], trial.Pass},
		{"brackets that are taken out", replaced(`[{}$#%<>()"]`, ""), all[:1], trial.Pass},
		{"placeholders that must be known", func(s string) (string, error) {
			if strings.ContainsAny(s, "{}") {
				return "", errors.New("no such placeholder")
			}
			return s, nil
		}, all, trial.Pass},
		{"the text", func(s string) (string, error) { return s, nil }, all[:1], trial.Pass},
		{"data of a template", func(s string) (string, error) {
			var b bytes.Buffer
			err := texttemplate.Must(texttemplate.New("x").Parse("Hello {{.}}")).Execute(&b, s)
			return b.String(), err
		}, all[:1], trial.Pass},
	} {
		for _, status := range c.onFault {
			t.Run(c.name+" "+strconv.Itoa(status), func(t *testing.T) {
				h := func(w http.ResponseWriter, r *http.Request) {
					in := text(r, "text")
					if in == "" {
						fail(w, 422)
						return
					}
					out, err := c.render(in)
					switch {
					case err != nil && status == asItIs:
						out = in
					case err != nil:
						fail(w, status)
						return
					}
					answer(w, 200, map[string]string{"out": out})
				}
				want := c.want
				for _, r := range verdicts(t, "probe/template-injection", "POST /render", false, route{"POST /render", body("text"), h}) {
					if r.Verdict != want {
						t.Errorf("%v %q %q, want %v", r.Verdict, r.Got, r.Reason, want)
					}
				}
			})
		}
	}
}

// Texts that are no templates by their name are not asked for the engines that
// are met seldom.
func TestEnginesAreNoSpray(t *testing.T) {
	sent := 0
	runOnly(t, "probe/template-injection", 1, false, route{"POST /notes", body("name", "note"), func(w http.ResponseWriter, r *http.Request) {
		sent++
		f := fields(r)
		if f["name"] == nil || f["note"] == nil {
			fail(w, 422)
			return
		}
		answer(w, 201, f)
	}})
	if sent > 4 {
		t.Errorf("%d requests", sent)
	}
}
