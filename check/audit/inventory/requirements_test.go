package inventory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder writes files and returns their folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// read reads a folder and writes what was found, a line each.
func read(t testing.TB, dir string, o Options) string {
	t.Helper()
	if o.Paths == nil && o.Environments == nil {
		o.Paths = []string{dir}
	}
	inv, err := Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(show(inv), filepath.ToSlash(dir)+"/", "")
}

func show(inv *Inventory) string {
	var b strings.Builder
	for _, d := range inv.Dependencies {
		fmt.Fprintf(&b, "%s %s %s", d.Where, d.Status, d.Name)
		if d.Version != "" {
			fmt.Fprintf(&b, " %s", d.Version)
		}
		if d.Unpinned {
			b.WriteString(" unpinned")
		}
		if d.Reason != "" {
			fmt.Fprintf(&b, " (%s)", d.Reason)
		}
		b.WriteString("\n")
	}
	for _, p := range inv.Problems {
		fmt.Fprintf(&b, "%s PROBLEM %s\n", p.Where, p.Text)
	}
	return b.String()
}

func TestRequirementsTraps(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"pin", "flask==2.0.1", "requirements.txt:1 audited flask 2.0.1\n"},
		{"spaces and comments", "# a\n\n  flask == 2.0.1   # why\n", "requirements.txt:3 audited flask 2.0.1\n"},
		{"arbitrary equality", "flask===2.0.1", "requirements.txt:1 audited flask 2.0.1\n"},
		{"pin among others", "flask>1,==2.0.1", "requirements.txt:1 audited flask 2.0.1\n"},
		{"extras", "uvicorn[standard,x]==0.1", "requirements.txt:1 audited uvicorn 0.1\n"},
		{"parentheses", "flask (==2.0.1)", "requirements.txt:1 audited flask 2.0.1\n"},
		{"no version", "flask", "requirements.txt:1 unaudited flask unpinned (no version is given)\n"},
		{"range", "flask>=2,<3", "requirements.txt:1 unaudited flask unpinned (no exact version is given: >=2,<3)\n"},
		{"prefix is no pin", "flask==2.*", "requirements.txt:1 unaudited flask unpinned (no exact version is given: ==2.*)\n"},
		{"hashes over lines", "flask==2.0.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\njinja2==3.0", "requirements.txt:1 audited flask 2.0.1\nrequirements.txt:4 audited jinja2 3.0\n"},
		{"comment inside of a continuation", "flask==2.0.1 \\\n# --hash=sha256:aa \\\njinja2==3.0", "requirements.txt:1 audited flask 2.0.1\nrequirements.txt:3 audited jinja2 3.0\n"},
		{"continuation at the end of the file", "flask==2.0.1 \\", "requirements.txt:1 audited flask 2.0.1\n"},
		{"continuation in the middle of a word", "fla\\\nsk==2.0.1", "requirements.txt:1 audited flask 2.0.1\n"},
		{"no line feed at the end", "flask==2.0.1\njinja2==3.0", "requirements.txt:1 audited flask 2.0.1\nrequirements.txt:2 audited jinja2 3.0\n"},
		{"carriage returns", "flask==2.0.1\r\njinja2==3.0\rclick==8.0\r\n", "requirements.txt:1 audited flask 2.0.1\nrequirements.txt:2 audited jinja2 3.0\nrequirements.txt:3 audited click 8.0\n"},
		{"hidden behind a comment by a line separator", "# note\u2028flask==2.0.1\n# x\x0cjinja2==3.0", "requirements.txt:1 audited flask 2.0.1\nrequirements.txt:2 audited jinja2 3.0\n"},
		{"byte order mark", "\ufeffflask==2.0.1", "requirements.txt:1 audited flask 2.0.1\n"},
		{"options", "-i https://u:p@example.com/simple\n--extra-index-url=https://example.com\n--no-binary :all:\n--pre\n--trusted-host example.com\nflask==2.0.1", "requirements.txt:6 audited flask 2.0.1\n"},
		{"unknown option", "--frobnicate yes", "requirements.txt:1 unaudited  (the option --frobnicate is not one of a requirements file)\nrequirements.txt:1 PROBLEM the option --frobnicate is not one of a requirements file\n"},
		{"git", "git+https://github.com/a/b@v1#egg=b", "requirements.txt:1 unaudited b (comes from a repository: which version that is cannot be told from here)\n"},
		{"editable git", "-e git+ssh://git@github.com/a/b.git#egg=b&subdirectory=x", "requirements.txt:1 unaudited b (comes from a repository: which version that is cannot be told from here)\n"},
		{"named git", "b @ git+https://github.com/a/b", "requirements.txt:1 unaudited b (comes from a repository: which version that is cannot be told from here)\n"},
		{"the project itself", "-e .[dev]\n.", "requirements.txt:1 excluded  (is the project itself)\nrequirements.txt:2 excluded  (is the project itself)\n"},
		{"local folder", "-e ../lib\n./lib", "requirements.txt:1 unaudited  (is a local folder, and no published version)\nrequirements.txt:2 unaudited  (is a local folder, and no published version)\n"},
		{"wheel at a URL", "https://example.com/flask-2.0.1-py3-none-any.whl#sha256=aa", "requirements.txt:1 audited flask 2.0.1\n"},
		{"archive at a URL with a name", "flask @ https://example.com/flask-2.0.1.tar.gz", "requirements.txt:1 audited flask 2.0.1\n"},
		{"archive of another name", "flask @ https://example.com/other-2.0.1.tar.gz", "requirements.txt:1 unaudited flask (is fetched from an address that does not say which version it is)\n"},
		{"branch archive", "flask @ https://example.com/archive/main.zip", "requirements.txt:1 unaudited flask (is fetched from an address that does not say which version it is)\n"},
		{"local wheel", "wheels/flask-2.0.1-py3-none-any.whl", "requirements.txt:1 audited flask 2.0.1\n"},
		{"variable in a version", "flask==${FLASK_VERSION}", "requirements.txt:1 unaudited  (holds a variable, which is read where it is installed)\n"},
		{"variable in a URL", "flask @ https://${TOKEN}@example.com/flask-2.0.1.tar.gz", "requirements.txt:1 audited flask 2.0.1\n"},
		{"not a requirement", "flask=2.0.1", "requirements.txt:1 unaudited  (is not a requirement: \"=2.0.1\" does not begin with one of === ~= == != <= >= < >)\nrequirements.txt:1 PROBLEM is not a requirement: \"=2.0.1\" does not begin with one of === ~= == != <= >= < >\n"},
		{"conda's way", "flask=2.0.1=py39_0\nclick==8.0", "requirements.txt:1 unaudited  (is not a requirement: \"=2.0.1=py39_0\" does not begin with one of === ~= == != <= >= < >)\nrequirements.txt:2 audited click 8.0\nrequirements.txt:1 PROBLEM is not a requirement: \"=2.0.1=py39_0\" does not begin with one of === ~= == != <= >= < >\n"},
		{"merge conflict", "<<<<<<< HEAD\nflask==2.0.1", "requirements.txt:1 unaudited  (is not a requirement: at column 1: wanted a name of letters, digits, - _ and .)\nrequirements.txt:2 audited flask 2.0.1\nrequirements.txt:1 PROBLEM is not a requirement: at column 1: wanted a name of letters, digits, - _ and .\n"},
		{"marker is true or may be", `a==1; python_version >= "3.8"` + "\n" + `b==1; platform_machine == "arm64"`, "requirements.txt:1 audited a 1\nrequirements.txt:2 audited b 1\n"},
		{"marker is false", `a==1; python_version < "3.8"` + "\n" + `b==1 ; sys_platform == "win32"`, "requirements.txt:1 excluded a 1 (its marker python_version < \"3.8\" is false for Python 3.12, linux)\nrequirements.txt:2 excluded b 1 (its marker sys_platform == \"win32\" is false for Python 3.12, linux)\n"},
		{"hash without a space is part of the URL", "b @ https://example.com/b-1.0.zip#subdirectory=x", "requirements.txt:1 audited b 1.0\n"},
		{"missing file", "-r other.txt", "requirements.txt:1 PROBLEM other.txt, which this line includes, cannot be read: no such file or directory\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"requirements.txt": c.text})
			if got := read(t, dir, Options{Python: "3.12", Platform: "linux"}); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestRequirementsIncludeEachOther(t *testing.T) {
	dir := folder(t, map[string]string{
		"requirements.txt":     "-r base.txt\n-rrequirements/dev.in\n--requirement=base.txt\n-c constraints.txt\nflask\nclick",
		"base.txt":             "# not named like one\njinja2==3.0\n-r requirements.txt\nitsdangerous>=1",
		"requirements/dev.in":  "-c ../constraints.txt\npytest",
		"constraints.txt":      "flask==2.0.1\npytest==7.0\nitsdangerous==2.0\nunused<3",
		"not-a-file-we-read.x": "foo",
	})
	want := `base.txt:2 audited jinja2 3.0
base.txt:4 excluded itsdangerous (is pinned by the constraint in constraints.txt:3)
constraints.txt:1 audited flask 2.0.1
constraints.txt:2 audited pytest 7.0
constraints.txt:3 audited itsdangerous 2.0
constraints.txt:4 excluded unused (is a constraint that names no exact version)
requirements.txt:5 excluded flask (is pinned by the constraint in constraints.txt:1)
requirements.txt:6 unaudited click unpinned (no version is given)
requirements/dev.in:2 excluded pytest (is pinned by the constraint in constraints.txt:2)
`
	if got := strings.ReplaceAll(read(t, dir, Options{}), dir+"/", ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestRequirementsInUTF16(t *testing.T) {
	text := "flask==2.0.1\r\n# ünïcode\r\njinja2==3.0\r\n"
	for name, e := range map[string]encoding{"le": {"utf-16le", "\xff\xfe"}, "be": {"utf-16be", "\xfe\xff"}, "no mark": {"utf-16le", ""}} {
		dir := folder(t, map[string]string{"requirements.txt": string(e.encode(text))})
		if got, want := read(t, dir, Options{}), "requirements.txt:1 audited flask 2.0.1\nrequirements.txt:3 audited jinja2 3.0\n"; got != want {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
	for name, text := range map[string]string{"latin-1 undeclared": "# \xe9\nflask==1", "utf-32": "\xff\xfe\x00\x00f\x00\x00\x00", "odd": "\xff\xfef"} {
		dir := folder(t, map[string]string{"requirements.txt": text})
		if got := read(t, dir, Options{}); !strings.Contains(got, "PROBLEM") {
			t.Errorf("%s: got %q, want a problem", name, got)
		}
	}
	dir := folder(t, map[string]string{"requirements.txt": "# -*- coding: latin-1 -*- \xe9\nflask==1"})
	if got := read(t, dir, Options{}); got != "requirements.txt:2 audited flask 1\n" {
		t.Errorf("latin-1: got %q", got)
	}
}

func TestNoCredentialIsKept(t *testing.T) {
	dir := folder(t, map[string]string{"requirements.txt": strings.Join([]string{
		"a @ https://user:opensesame@example.com/a.zip",
		"-e git+https://opensesame@example.com/b.git#egg=b",
		"https://example.com/c.zip?token=opensesame&x=1",
		"--index https://user:opensesame@example.com",
		"git+https://user:opensesame@example.com/d",
		"-r https://user:opensesame@example.com/r.txt",
		"e @ https://user:opensesame@example.com/e.zip ; nonsense",
	}, "\n")})
	inv, err := Read(context.Background(), Options{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Dependencies) != 7 {
		t.Errorf("%d dependencies of 7 lines", len(inv.Dependencies))
	}
	if got := fmt.Sprintf("%+v", inv); strings.Contains(got, "opensesame") {
		t.Errorf("the inventory holds a credential: %s", got)
	}
}

// FuzzRequirements: every logical line is a dependency, a problem or a known
// option, and reading what was read gives the same.
func FuzzRequirements(f *testing.F) {
	for _, s := range []string{"flask==2.0.1 \\\n --hash=sha256:aa\n", "-e git+https://x/y#egg=z\n-c c.txt", "a;b\n--pre\n -r x", "x==1;python_version<'3'\x0cy", "\xff\xfea\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		r := &run{seen: map[string]bool{}, includedBy: map[string][]string{}, constraints: map[string][]string{}}
		s := &source{run: r, path: dir + "/requirements.txt", data: data}
		if err := readRequirements(s); err != nil {
			return
		}
		text, _, err := decodeText(data)
		if err != nil {
			t.Fatal(err)
		}
		accounted := map[int]bool{}
		for _, d := range r.found.Dependencies {
			accounted[d.Where.Line] = true
		}
		for _, p := range r.found.Problems {
			accounted[p.Where.Line] = true
		}
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 1
		for _, l := range logicalLines(text) {
			if l.first < 1 || l.last < l.first || l.last > lines {
				t.Errorf("line %d to %d of %d", l.first, l.last, lines)
			}
			if !accounted[l.first] && !strings.HasPrefix(l.text, "-") {
				t.Errorf("line %d is not accounted for: %q", l.first, l.text)
			}
		}
	})
}
