package output

import "testing"

func TestExponential(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{`^(a+)+$`, true},
		{`^(a|aa)+$`, true},
		{`^(a|a)*$`, true},
		{`^(\w+\s?)*$`, true},
		{`^([a-zA-Z0-9]+)*@example\.com$`, true},
		{`^(([a-z])+.)+[A-Z]([a-z])+$`, true},
		{`(x+x+)+y`, true},
		{`^(\d+|\w+)*$`, true},
		{`^([a-zA-Z0-9._-]+)+@[a-z]+$`, true},
		{`^(?=.*x)(a*)*b`, true},
		{`^(.*)*x\Z`, true},
		{`(.*a){20}$`, true},
		{`(a?a?)*b`, true},
		{`^(\w+){1,50}$`, true},
		{`^([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}$`, false},
		{`^[a-z]+$`, false},
		{`^(\w+\s)*$`, false},
		{`^\w+(?:\s\w+)*$`, false},
		{`(a+)+`, false}, // ends where it likes
		{`^(?:\d{1,3}\.){3}\d{1,3}$`, false},
		{`^[\w.+-]+@[\w-]+\.[\w.-]+$`, false},
		{`^(foo|bar)+$`, false},
		{`^(ab|a)+$`, false},
		{`"(\\.|[^"\\])*"`, false},
		{`^(\b\w+\b)+$`, false},
		{`(\w)\1+`, false},
		{`^#(?:[0-9a-fA-F]{3}){1,2}$`, false},
		{`^\s*(\S+\s*,\s*)*\S+$`, true},
		{`^(([^<>()[\]\\.,;:\s@"]+(\.[^<>()[\]\\.,;:\s@"]+)*)|(".+"))@(([^<>()[\]\\.,;:\s@"]+\.)+[^<>()[\]\\.,;:\s@"]{2,})$`, false},
	} {
		if got := exponential(c.pattern, false); (got != "") != c.want {
			t.Errorf("%s: %q", c.pattern, got)
		}
	}
	if exponential(`(a+)+`, true) == "" {
		t.Error("a full match of (a+)+ fails at the end")
	}
}
