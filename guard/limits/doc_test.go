package limits

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The guide's policy parses, has the defaults that it says it has, and holds
// together; every rule and every key is in it.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile("../../docs/guides/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(text)
	_, fence, ok := strings.Cut(guide, "```yaml policy\n")
	fence, _, end := strings.Cut(fence, "```")
	if !ok || !end {
		t.Fatal("no policy in the guide")
	}
	var p struct {
		Policy Policy `yaml:"limits"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(fence), &p, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	g := must(t, p.Policy)
	g.policy.Routes = nil
	if want := (Policy{}).filled(); !reflect.DeepEqual(g.policy, want) {
		t.Errorf("got %+v, want %+v", g.policy, want)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Policy]()) {
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); !strings.Contains(guide, key+":") {
			t.Errorf("%s is not in the guide", key)
		}
	}

	for _, r := range Rules() {
		if !strings.Contains(guide, r.ID) {
			t.Errorf("%s is not in the guide", r.ID)
		}
	}
}
