package passwords

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/secret"
)

func TestNIST(t *testing.T) {
	r := Rules{Context: []string{"Pavise"}, Blocklist: []string{"Crossbow Company"}}
	for password, want := range map[string]string{
		"a quay with sorrel":           "", // long, and of lower case alone
		"sorrel":                       "needs 15 characters, and has 6",
		strings.Repeat("ab cd ef ", 8): "",
		strings.Repeat("x y z ", 30):   "may have 128 characters",
		"ﬁfteen letters ½":             "", // NFKC
		"日本語のパスワードはとても長い":              "", // 15 code points, 45 bytes
		"correct horse battery staple": "tried first",
		"PasswordPassword":             "tried first",
		"Password!!!!!!!!":             "tried first",
		"crossbow company":             "tried first",
		"aaaaaaaaaaaaaaaa":             "again and again",
		"abcabcabcabcabcabc":           "again and again",
		"abcdefghijklmnopq":            "row of the keyboard",
		"qwertyuiopasdfghjkl":          "row of the keyboard",
		"0987654321098765":             "row of the keyboard",
		"pavisepavise2026":             "little more than \"Pavise\"",
		"anne.smith@example":           "little more than \"anne.smith@example.com\"",
		"line\nbreak in the middle":    "control character",
		"not \xff UTF-8 at all here":   "not Unicode",
	} {
		err := r.Accept(secret.New(password), "anne.smith@example", "al")
		if password == "anne.smith@example" {
			want = "little more than \"anne.smith@example\""
		}
		var problems *RulesError
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", password, err)
		case want != "" && (!errors.As(err, &problems) || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", password, err, want)
		}
	}
	if err := (Rules{SecondFactor: true}).Accept(secret.New("a quay 7")); err != nil {
		t.Errorf("%v", err)
	}
	for _, r := range []Rules{{MinLength: 7}, {MaxLength: 32}, {MinLength: 200}} {
		if r.Check() == nil {
			t.Errorf("%+v holds together", r)
		}
	}
}

// TestGuideRules: every class that is missing is named, at once.
func TestGuideRules(t *testing.T) {
	r := GuideRules()
	for password, want := range map[string]string{
		"Quay-w1th-sorrel":            "",
		"Qu4y!":                       "needs 10 characters",
		"quay with sorrel":            "needs an upper-case letter and a digit and a special character",
		"QUAY-W1TH-SORREL":            "needs a lower-case letter",
		"Quay-with-sorrel":            "needs a digit",
		"Quay7with7sorrel":            "needs a special character",
		strings.Repeat("Quay-1x", 19): "may have 128",
		"          ":                  "needs an upper-case letter and a lower-case letter and a digit and a special character",
	} {
		err := r.Accept(secret.New(password))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", password, err, want)
		}
		if err != nil && strings.TrimSpace(password) != "" && strings.Contains(err.Error(), password) {
			t.Errorf("the error holds the password: %v", err)
		}
	}
}

// TestNormal: what is typed on another keyboard is the same password.
func TestNormal(t *testing.T) {
	if a, b := Normal(secret.New("Zoe\u0308")), Normal(secret.New("Zoë")); !a.Equal(b) || a.Expose() != "Zoë" {
		t.Errorf("%q and %q", a.Expose(), b.Expose())
	}
}

func digits(password string) string {
	sum := sha1.Sum([]byte(password))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// buildTestFilter writes both kinds of files, and builds a filter of them.
func buildTestFilter(t *testing.T, atLeast int) (path string, whole, ranged []string) {
	t.Helper()
	dir := t.TempDir()
	ranges := filepath.Join(dir, "ranges")
	if err := os.Mkdir(ranges, 0o755); err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	files := map[string]string{}
	for i := range 2000 {
		p := fmt.Sprint("breached ", i)
		d := digits(p)
		if i%2 == 0 {
			whole = append(whole, p)
			fmt.Fprintf(&list, "%s:%d\r\n", d, i+1)
		} else {
			ranged = append(ranged, p)
			files[d[:5]] += fmt.Sprintf("%s:%d\n", d[5:], i+1)
		}
	}
	// Padding of the service.
	d := digits("padding")
	files[d[:5]] += d[5:] + ":0\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(ranges, name+".txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listFile := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(listFile, []byte("\ufeff"+list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "breached.filter")
	n, err := BuildFilter(path, atLeast, listFile, ranges)
	if err != nil || n != int64(2000-max(atLeast-1, 0)) {
		t.Fatalf("%d, %v", n, err)
	}
	return path, whole, ranged
}

func TestFilter(t *testing.T) {
	path, whole, ranged := buildTestFilter(t, 0)
	f, err := OpenFilter(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Len() != 2000 {
		t.Errorf("%d entries", f.Len())
	}
	for _, p := range append(whole, ranged...) {
		if found, err := f.Contains(secret.New(p)); err != nil || !found {
			t.Fatalf("%q is missed, %v", p, err)
		}
	}
	for i := range 2000 {
		if found, err := f.Contains(secret.New(fmt.Sprint("fine ", i))); err != nil || found {
			t.Fatalf("fine %d is found, %v", i, err)
		}
	}
	if found, err := f.Contains(secret.New("padding")); err != nil || found {
		t.Errorf("padding is an entry, %v", err)
	}
	err = Rules{Breached: f, MinLength: 8}.Accept(secret.New("breached 77"))
	if err == nil || !strings.Contains(err.Error(), "found in a breach") {
		t.Errorf("%v", err)
	}
}

func TestFilterAtLeast(t *testing.T) {
	path, _, _ := buildTestFilter(t, 11)
	f, err := OpenFilter(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for p, want := range map[string]bool{"breached 9": false, "breached 10": true} {
		if found, err := f.Contains(secret.New(p)); err != nil || found != want {
			t.Errorf("%s: %v, %v", p, found, err)
		}
	}
}

// TestFilterDamaged: a file that is not whole is refused, and so is a list that
// is none.
func TestFilterDamaged(t *testing.T) {
	path, _, _ := buildTestFilter(t, 0)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), data...)
	flipped[len(filterMagic)+50] ^= 1
	for name, b := range map[string][]byte{"empty": {}, "cut": data[:len(data)-1], "head only": data[:filterHead-1], "longer": append(data, 0), "flipped": flipped, "another file": []byte(strings.Repeat("x", 5000))} {
		bad := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := OpenFilter(bad); err == nil {
			f.Close()
			t.Errorf("%s: opened", name)
		}
	}
	for name, text := range map[string]string{"not hexadecimal": "zz" + digits("x")[2:], "short": "ABCDEF", "no count": digits("x") + ":many", "nothing": "\n"} {
		list := filepath.Join(t.TempDir(), "list.txt")
		if err := os.WriteFile(list, []byte(digits("y")+":0\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := BuildFilter(path, 0, list); err == nil || name != "nothing" && !strings.Contains(err.Error(), "list.txt:2:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The filter that was there is as it was.
	if after, err := os.ReadFile(path); err != nil || string(after) != string(data) {
		t.Errorf("a build that failed changed the filter: %v", err)
	}
}

func TestOnline(t *testing.T) {
	asked := ""
	answer := ""
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		if r.Header.Get("Add-Padding") != "true" {
			t.Error("not padded")
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	defer srv.Close()
	o := &Online{URL: srv.URL + "/range/"}
	d := digits("sorrel")
	for _, c := range []struct {
		answer string
		status int
		want   bool
		fails  bool
	}{
		{d[5:] + ":3\r\n" + strings.Repeat("A", 35) + ":1", 200, true, false},
		{strings.ToLower(d[5:]) + ":3", 200, true, false},
		{d[5:] + ":0", 200, false, false},
		{strings.Repeat("A", 35) + ":1", 200, false, false},
		{"", 200, false, false},
		{"<html>", 200, false, true},
		{"", 503, false, true},
	} {
		answer, status = c.answer, c.status
		found, err := o.Contains(secret.New("sorrel"))
		if found != c.want || (err != nil) != c.fails {
			t.Errorf("%.40s: %v, %v", c.answer, found, err)
		}
		if asked != "/range/"+d[:5] {
			t.Errorf("asked for %s", asked)
		}
	}
	err := Rules{Breached: o, MinLength: 8}.Accept(secret.New("a quay with it"))
	var problems *RulesError
	if err == nil || errors.As(err, &problems) {
		t.Errorf("that nobody could be asked is %v", err)
	}
}
