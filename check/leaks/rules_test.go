package leaks

import (
	"slices"
	"strings"
	"testing"
)

// TestRulesByTheirExamples: each rule finds its true examples at the marked
// place, and none of the false ones.
func TestRulesByTheirExamples(t *testing.T) {
	s := NewScanner()
	for _, r := range Rules() {
		if len(r.True) < 3 || len(r.False) < 3 {
			t.Errorf("%s has %d true and %d false examples, want 3 of each", r.ID, len(r.True), len(r.False))
		}
		for i, line := range r.True {
			before, rest, _ := strings.Cut(line, "⟦")
			secret, after, ok := strings.Cut(rest, "⟧")
			if !ok {
				t.Fatalf("%s: true example %d has no marks", r.ID, i)
			}
			found := s.Scan("app/config.py", []byte("first = 1\n"+before+secret+after+"\nlast = 2\n"))
			if len(found) != 1 || found[0].Rule != "leaks/"+r.ID {
				var rules []string
				for _, l := range found {
					rules = append(rules, l.Rule)
				}
				t.Errorf("%s: true example %d: found %v", r.ID, i, rules)
				continue
			}
			l := found[0]
			if l.Line != 2 && !strings.Contains(before, "\n") || !strings.Contains(secret, l.secret) && !strings.Contains(l.secret, secret) {
				t.Errorf("%s: true example %d: line %d, another secret", r.ID, i, l.Line)
			}
			if f := l.Finding(); strings.Contains(f.Problem+f.Fix+f.Where, l.secret) {
				t.Errorf("%s: the finding shows the secret", r.ID)
			}
		}
		for i, line := range r.False {
			for _, l := range s.Scan("app/config.py", []byte("first = 1\n"+line+"\n")) {
				if l.Rule == "leaks/"+r.ID {
					t.Errorf("%s: false example %d is found: %s", r.ID, i, line)
				}
			}
		}
	}
}

// TestCodecs: the name of an encoding is no secret, and what only begins like
// one may be.
func TestCodecs(t *testing.T) {
	names := "ascii us-ascii latin1 latin-1 latin_1 L1 iso-8859-1 iso8859-1 iso8859_15 ISO8859-15 cp1252 windows-1252 cp65001 utf-8 utf8 UTF-8-sig utf_16_le utf-32 U8 koi8-r koi8_u big5 big5hkscs gbk gb2312 gb18030 euc-jp euc_kr shift_jis shift-jis sjis shift_jisx0213 iso2022_jp iso2022_jp_2004 mac_roman mac-latin2 ptcp154 johab idna punycode unicode_escape raw_unicode_escape hex rot13 base64_codec"
	s := NewScanner()
	for name := range strings.FieldsSeq(names) {
		for _, line := range []string{`password = password.encode("NAME")`, `secret = "NAME"`, `key = os.getenv("SECRET_KEY", "NAME")`, `jwt.decode(token, "NAME")`, `mac = hmac.new("NAME", body)`} {
			for _, l := range s.Scan("app/a.py", []byte(strings.Replace(line, "NAME", name, 1))) {
				t.Errorf("%s is found in %s: %s", name, line, l.Rule)
			}
		}
	}
	for _, secret := range []string{"latin1-" + "q7Zx", "cp1252" + "x9!", "utf8" + "-k3y-2024"} {
		if n := len(s.Scan("app/a.py", []byte("password = \""+secret+"\""))); n != 1 {
			t.Errorf("a password that begins like the name of an encoding: %d leaks", n)
		}
	}
}

// TestReferences: how a secret is kept is another matter than that it is in
// the source.
func TestReferences(t *testing.T) {
	for id := range hygieneRules {
		if refs := References("leaks/" + id); len(refs) == 0 || refs[0] == "CWE-798" {
			t.Errorf("%s: %q", id, refs)
		}
	}
	if refs := References("leaks/github-token"); !slices.Equal(refs, []string{"CWE-798", "ASVS 5.0 V13.3.1"}) {
		t.Errorf("a token: %q", refs)
	}
}
