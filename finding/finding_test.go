package finding_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/pavise-dev/pavise/finding"
)

func TestSeverityTextRoundTrips(t *testing.T) {
	for s := finding.Unknown; s <= finding.Critical; s++ {
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back finding.Severity
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%s came back as %s, %v", s, back, err)
		}
	}
	var s finding.Severity
	if err := s.UnmarshalText([]byte("terrible")); err == nil {
		t.Error("accepted a severity that is none")
	}
}

func TestSort(t *testing.T) {
	fs := []finding.Finding{{Rule: "b", Where: "1"}, {Rule: "a", Where: "2"}, {Rule: "a", Where: "1", Problem: "y"}, {Rule: "a", Where: "1", Problem: "x"}}
	finding.Sort(fs)
	var got []string
	for _, f := range fs {
		got = append(got, f.Rule+f.Where+f.Problem)
	}
	if want := []string{"a1x", "a1y", "a2", "b1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestJSONShape(t *testing.T) {
	out, err := json.Marshal(finding.Finding{Rule: "headers/nosniff", Where: "https://x", Problem: "p", Severity: finding.High})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"rule":"headers/nosniff","where":"https://x","problem":"p","severity":"high"}`; string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
}
