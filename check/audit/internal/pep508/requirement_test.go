package pep508

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"flask":                       "flask",
		"  Flask_SQL.x  >= 1.0 , <2 ": "Flask_SQL.x>=1.0,<2",
		"requests [security,tests] >= 2.8.1, == 2.8.* ; python_version < \"2.7\"": `requests[security,tests]>=2.8.1,==2.8.*; python_version < "2.7"`,
		"name(==1.0)": "name==1.0",
		"name[]":      "name",
		"name[b, a]":  "name[a,b]",
		"pip @ https://example.com/pip.zip#sha1=da9":  "pip @ https://example.com/pip.zip#sha1=da9",
		"pip@https://example.com/p;x ; os_name=='nt'": `pip @ https://example.com/p;x ; os_name == "nt"`,
		"a==1,": "a==1",
		"a;python_version<'3' and (os_name=='nt' or 'linux' in sys_platform)": `a; python_version < "3" and (os_name == "nt" or "linux" in sys_platform)`,
		"a;os.name=='posix'": `a; os_name == "posix"`,
		"a;extra=='it\"s'":   `a; extra == 'it"s'`,
	} {
		r, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := r.String(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestNoRequirements(t *testing.T) {
	for _, text := range []string{
		"", "-flask", "_x", "flask-", "fl ask", "flask==", "flask=1", "flask==1 2", "flask[", "flask[a", "flask[a b]", "flask[,]", "flask[a,]",
		"flask @", "flask @ https://x/ junk", "flask==1,,==2", "flask(==1", "flask; ", "flask; python_version", "flask; python_version < 3",
		"flask; 'a' == 'b'", "flask; nosuch == 'a'", "flask; os_name == 'a' or", "flask; (os_name == 'a'", "flask; os_name not 'a'",
		"flask; os_name == 'a", "flask; os_name == 'a' 'b'", "flask~=1", "flask==1.0.dev1.*", "flask>=1.0+x", "flask\n==1", "fläsk==1",
		"a; " + strings.Repeat("(", maxDepth+2) + "os_name == 'a'" + strings.Repeat(")", maxDepth+2), strings.Repeat("a", MaxLength+1),
	} {
		if r, err := Parse(text); err == nil {
			t.Errorf("%.60q is read as %q", text, r)
		}
	}
}

// TestErrorsShowNoURL: a URL may hold a credential.
func TestErrorsShowNoURL(t *testing.T) {
	_, err := Parse("a @ https://user:hunter2@example.com/ junk")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestMarkers(t *testing.T) {
	linux311 := For("3.11", "linux")
	linux311.Extras = []string{"dev"}
	full := For("3.11.4", "windows")
	for _, c := range []struct {
		e    Environment
		text string
		want Truth
	}{
		{linux311, "python_version >= '3.8'", True},
		{linux311, "python_version < '3.9'", False}, // as a text 3.11 comes before 3.9
		{linux311, "'3.9' < python_version", True},
		{linux311, "python_version in '3.10 3.11'", True},
		{linux311, "python_version not in '3.10,3.12'", True},
		{linux311, "python_version ~= '3.8'", True},
		{linux311, "python_version == '3.*'", True},
		{linux311, "python_full_version >= '3.11.0'", True},
		{linux311, "python_full_version < '3.11'", False},
		{linux311, "python_full_version < '3.11.4'", Unknown},
		{linux311, "python_full_version == '3.11.4'", Unknown},
		{linux311, "python_full_version == '3.11.*'", True},
		{full, "python_full_version < '3.11.4'", False},
		{full, "python_full_version <= '3.11.4'", True},
		{linux311, "sys_platform == 'win32'", False},
		{full, "sys_platform == 'win32' and os_name == 'nt'", True},
		{full, "platform_system != 'Windows'", False},
		{linux311, "platform_machine == 'aarch64'", Unknown},
		{linux311, "platform_machine == 'aarch64' and python_version < '3'", False},
		{linux311, "platform_machine == 'aarch64' or python_version > '3'", True},
		{linux311, "platform_machine == 'aarch64' or python_version < '3'", Unknown},
		{linux311, "platform_release >= '20'", Unknown},
		{linux311, "implementation_name == 'cpython'", True},
		{linux311, "platform_python_implementation == 'PyPy'", False},
		{linux311, "extra == 'dev'", True},
		{linux311, "extra == 'Dev'", True},
		{linux311, "extra != 'dev'", False},
		{linux311, "'dev' in extras", True},
		{linux311, "'test' in dependency_groups", Unknown},
		{For("", ""), "python_version < '3'", Unknown},
		{Environment{Extras: []string{"*"}}, "extra == 'dev'", Unknown},
	} {
		m, err := ParseMarker(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := m.Eval(c.e); got != c.want {
			t.Errorf("%s: %v, want %v", c.text, got, c.want)
		}
	}
}

// TestUnknownIsNeverWrong: whatever a condition comes to where something is
// not known, it comes to where it is known, or to Unknown.
func TestUnknownIsNeverWrong(t *testing.T) {
	for _, op := range []string{"==", "!=", "<", "<=", ">", ">=", "~="} {
		for _, right := range []string{"3.10", "3.11", "3.11.0", "3.11.4", "3.11.99", "3.12", "3.11.5rc1"} {
			m, err := ParseMarker("python_full_version " + op + " '" + right + "'")
			if err != nil {
				t.Fatal(err)
			}
			rough := m.Eval(For("3.11", ""))
			for _, patch := range []string{"3.11.0", "3.11.4", "3.11.17"} {
				if exact := m.Eval(For(patch, "")); rough != Unknown && rough != exact {
					t.Errorf("%s: %v for 3.11, %v for %s", m, rough, exact, patch)
				}
			}
		}
	}
}

// FuzzRequirement: what is read means the same when it is printed and read
// again.
func FuzzRequirement(f *testing.F) {
	for _, s := range []string{"flask", "a[b,c]>=1,<2; python_version<'3' and (os_name=='nt' or extra=='x')", "a @ https://x/y ; os_name=='nt'", "a(==1.*)", "a===x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(r.String())
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", s, r.String(), err)
		}
		if again.String() != r.String() || again.Name != r.Name || again.URL != r.URL || len(again.Specifiers) != len(r.Specifiers) || (again.Marker == nil) != (r.Marker == nil) {
			t.Fatalf("%q is printed as %q, and that as %q", s, r.String(), again.String())
		}
		for _, e := range []Environment{For("", ""), For("3.12", "linux"), For("2.7.18", "windows")} {
			if r.Marker != nil && r.Marker.Eval(e) != again.Marker.Eval(e) {
				t.Fatalf("%q comes to something else than %q", r.Marker, again.Marker)
			}
		}
	})
}
