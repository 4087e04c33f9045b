package leaks

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/finding"
)

// hidden is a secret that no file of ours holds in one piece.
var (
	hidden  = "ghp_" + withSum(chars(30, base62))
	another = "ghp_" + withSum(chars(29, base62)+"0")
)

func put(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func git(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// look runs and writes what was found: "rule path:line:column".
func look(t testing.TB, dir string, o Options) []string {
	t.Helper()
	o.Paths = []string{dir}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range r.Findings() {
		if strings.Contains(f.Problem+f.Fix+f.Where, hidden) {
			t.Errorf("a finding shows the secret: %s", f.Rule)
		}
		out = append(out, strings.TrimPrefix(f.Rule, "leaks/")+" "+strings.TrimPrefix(strings.TrimPrefix(f.Where, filepath.ToSlash(dir)), "/"))
	}
	for _, u := range r.Unknowns {
		out = append(out, "unknown "+u.Where)
	}
	return out
}

func want(t testing.TB, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTree(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"app/a.py":                "# é\nx = 1\ntöken = '" + hidden + "'\n",
		"app/b.py":                "token = '" + hidden + "'  # pavise:allow leaks/github-token it was never valid\n",
		"app/c.py":                "token = '" + hidden + "'  # pavise:allow leaks/github-token\n",
		"app/d.py":                "# pavise:allow leaks/jwt another rule\ntoken = '" + hidden + "'\n",
		"node_modules/x/index.js": hidden,
		"skipped/a.txt":           hidden,
		"image.bin":               "\x00" + hidden,
		"two.txt":                 hidden + "\n" + hidden + " " + another + "\n",
	})
	want(t, look(t, dir, Options{Exclude: []string{"skipped/"}}), "github-token app/a.py:3:10", "github-token app/c.py:1:10", "github-token app/d.py:2:10",
		"github-token two.txt:1:1", "github-token two.txt:2:1", "github-token two.txt:2:42")
	if _, err := Run(t.Context(), Options{Paths: []string{filepath.Join(dir, "nosuch")}}); err == nil {
		t.Error("a path that is not there is no error")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(cancelled, Options{Paths: []string{dir}}); err == nil {
		t.Error("a run that was cancelled is no error")
	}
}

// TestLinksAreNotFollowed: one may lead out of the tree.
func TestLinksAreNotFollowed(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	put(t, other, map[string]string{"secret.txt": hidden})
	if err := os.Symlink(filepath.Join(other, "secret.txt"), filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(dir, "folder")); err != nil {
		t.Fatal(err)
	}
	want(t, look(t, dir, Options{}))
	// But one that is named is meant.
	r, err := Run(t.Context(), Options{Paths: []string{filepath.Join(dir, "link.txt")}})
	if err != nil || len(r.Leaks) != 1 {
		t.Errorf("a link that is named: %v, %+v", err, r)
	}
}

// TestGitIgnore: what git ignores is passed over, and what it tracks is not.
func TestGitIgnore(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{".gitignore": "*.log\n", "a.log": hidden, "b.txt": hidden, "kept.log": hidden})
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-f", "kept.log")
	want(t, look(t, dir, Options{}), "github-token b.txt:1:1", "github-token kept.log:1:1")
	// A folder that is ignored as a whole is looked at when it is meant.
	put(t, dir, map[string]string{".gitignore": "out/\n*.log\n", "out/x/c.txt": hidden})
	want(t, look(t, dir, Options{}), "github-token b.txt:1:1", "github-token kept.log:1:1")
	want(t, look(t, filepath.Join(dir, "out"), Options{}), "github-token x/c.txt:1:1")
	want(t, look(t, filepath.Join(dir, "out", "x"), Options{}), "github-token c.txt:1:1")
}

func TestStaged(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	put(t, dir, map[string]string{"old.txt": "a\nb\n" + hidden + "\n", "mit leer ö.txt": "x\n"})
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-qm", "first")
	put(t, dir, map[string]string{"old.txt": "a\nb\n" + hidden + "\nc\n", "mit leer ö.txt": "x\ny\n" + hidden + "\n", "unstaged.txt": hidden, "+++ b": "+++ b/evil\n"})
	git(t, dir, "add", "old.txt", "mit leer ö.txt", "+++ b")
	want(t, look(t, dir, Options{Staged: true}), "github-token mit leer ö.txt:3:1")
	if _, err := Run(t.Context(), Options{Paths: []string{t.TempDir()}, Staged: true}); err == nil {
		t.Error("a folder without a repository is no error")
	}
}

// TestHistory: a secret that was added and removed is in the history.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	put(t, dir, map[string]string{"a.txt": "one\n" + hidden + "\n"})
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-qm", "with")
	put(t, dir, map[string]string{"a.txt": "one\n"})
	git(t, dir, "commit", "-qam", "without")
	git(t, dir, "checkout", "-q", "-b", "other")
	put(t, dir, map[string]string{"b.txt": "AKIA" + chars(16, base32) + "\n"})
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-qm", "another")
	git(t, dir, "checkout", "-q", "main")
	want(t, look(t, dir, Options{}))
	want(t, look(t, dir, Options{History: true}), "github-token a.txt:2:1", "aws-access-key b.txt:1:1")
	r, err := Run(t.Context(), Options{Paths: []string{dir}, History: true})
	if err != nil || r.Leaks[0].Commit == "" || !strings.Contains(r.Leaks[0].Finding().Problem, r.Leaks[0].Commit) {
		t.Errorf("%v: the commit is not said", err)
	}
}

// TestBaseline: a thousand lines above change no byte of it, and another
// secret is not known by it.
func TestBaseline(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.txt": hidden + "\n"})
	b := NewBaseline()
	learn := func() []byte {
		r, err := Run(t.Context(), Options{Paths: []string{dir}})
		if err != nil || len(r.Leaks) == 0 {
			t.Fatal(err, len(r.Leaks))
		}
		b.Add(r.Leaks)
		return b.Encode()
	}
	first := learn()
	if bytes.Contains(first, []byte(hidden)) || bytes.Contains(first, []byte(hidden[4:20])) {
		t.Error("the baseline holds the secret")
	}
	put(t, dir, map[string]string{"a.txt": strings.Repeat("line\n", 1000) + hidden + "\n"})
	if !bytes.Equal(learn(), first) {
		t.Error("lines above changed the baseline")
	}
	again, err := ParseBaseline(first)
	if err != nil {
		t.Fatal(err)
	}
	want(t, look(t, dir, Options{Baseline: again}))
	put(t, dir, map[string]string{"a.txt": hidden + "\n" + another + "\n"})
	want(t, look(t, dir, Options{Baseline: again}), "github-token a.txt:2:1")
	for _, bad := range []string{"", "{}", `{"version":2}`, `{"version":1,"key":"x"}`} {
		if _, err := ParseBaseline([]byte(bad)); err == nil {
			t.Errorf("%q is read as a baseline", bad)
		}
	}
}

// TestLargeFiles are read in pieces that overlap.
func TestLargeFiles(t *testing.T) {
	filler := strings.Repeat("a line that holds nothing of interest\n", 1+maxFile/38)
	text := filler[:maxFile-20] + "\n" + hidden + "\n" + filler + another + "\n"
	r, err := Run(t.Context(), Options{Stdin: strings.NewReader(text)})
	if err != nil || len(r.Leaks) != 2 {
		t.Fatalf("%v: %d leaks", err, len(r.Leaks))
	}
	for _, l := range r.Leaks {
		if wantLine := strings.Count(text[:strings.Index(text, l.secret)], "\n") + 1; l.Line != wantLine {
			t.Errorf("line %d, want %d", l.Line, wantLine)
		}
	}
}

func TestUTF16(t *testing.T) {
	var data []byte
	for _, u := range utf16.Encode([]rune("\ufeffx\r\n" + hidden + "\r\n")) {
		data = append(data, byte(u), byte(u>>8))
	}
	r, err := Run(t.Context(), Options{Stdin: bytes.NewReader(data)})
	if err != nil || len(r.Leaks) != 1 || r.Leaks[0].Line != 2 {
		t.Errorf("%v: %+v", err, r)
	}
}

// TestUTF16InPieces: what is larger than is held is decoded to its end, in
// both orders, with characters of two units.
func TestUTF16InPieces(t *testing.T) {
	filler := strings.Repeat("\U0001F511 nothing of interest in this line, é\n", 1<<15)
	secrets := []string{hidden}
	text := "\ufeff" + hidden + "\n"
	for n := range 12 { // 12 pieces of 3 MB, in UTF-16
		s := "ghp_" + withSum(chars(28, base62)+base62[n:n+1]+"x")
		secrets = append(secrets, s)
		text += filler + s + "\n"
	}
	units := utf16.Encode([]rune(text))
	if len(units)*2 < 3*maxFile {
		t.Fatalf("%d bytes are too few", len(units)*2)
	}
	for _, little := range []bool{true, false} {
		data := make([]byte, 0, 2*len(units)+1)
		for _, u := range units {
			if little {
				data = append(data, byte(u), byte(u>>8))
			} else {
				data = append(data, byte(u>>8), byte(u))
			}
		}
		r, err := Run(t.Context(), Options{Stdin: bytes.NewReader(append(data, 'x'))})
		if err != nil || len(r.Leaks) != len(secrets) || len(r.Unknowns) > 0 {
			t.Fatalf("little %v: %v, %d leaks of %d", little, err, len(r.Leaks), len(secrets))
		}
		for i, l := range r.Leaks {
			if want := 1 + i*(1<<15+1); l.secret != secrets[i] || l.Line != want || l.Column != 1 {
				t.Errorf("little %v: leak %d is at %d:%d, want line %d", little, i, l.Line, l.Column, want)
			}
		}
	}
	// A lone half of a pair is a character like others.
	got, err := io.ReadAll(fromUTF16(strings.NewReader("\x00\xd8a\x00\x00\xdc\x3d\xd8\x11\xddb\x00\x3d\xd8z"), true))
	if want := "\ufffda\ufffd\U0001F511b\ufffd"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestKinds: assignments without quotes, in files where none are needed.
func TestKinds(t *testing.T) {
	dir := t.TempDir()
	value := "Winter-2024" + "-q7"
	put(t, dir, map[string]string{
		"prod.env":            "# x\nexport DB_PASSWORD=" + value + "  # why\nDEBUG=true\nAPI_KEY=${API_KEY}\nSECRET_KEY=change-me\n",
		"compose.yaml":        "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: " + value + "\n      - REDIS_PASSWORD=" + value + "\n      OTHER_PASSWORD: ${PASSWORD}\n      PASSWORD_FILE: /run/secrets/pw\n",
		"deploy.yml":          "env:\n- name: JWT_SECRET\n  value: \"" + value + "\"\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password\n",
		"Dockerfile":          "FROM x\nENV API_SECRET " + value + "\nARG TOKEN\nENV PASSWORD=$PASSWORD\n",
		"main.tf":             "variable \"x\" {}\nresource \"db\" \"a\" {\n  password = \"" + value + "\"\n  token    = var.token\n}\n",
		"nb.ipynb":            "{\"cells\":[{\"source\":[\"api_secret = '" + value + "'\\n\"]}]}",
		".pypirc":             "[pypi]\nusername = __token__\npassword = " + value + "\n",
		"tests/test_login.py": "password = 'Passw0rd1'\n",
		"app/settings.py":     "class Settings(BaseSettings):\n    secret_key: str = \"" + value + "\"\n    algorithm: str = \"HS256\"\n",
	})
	want(t, look(t, dir, Options{}), "secret-assignment prod.env:2:20", "secret-assignment compose.yaml:4:26", "secret-assignment compose.yaml:5:24",
		"secret-assignment deploy.yml:3:11", "secret-assignment Dockerfile:2:16", "secret-assignment main.tf:3:15", "secret-assignment nb.ipynb:1:37",
		"secret-assignment .pypirc:3:12", "secret-assignment app/settings.py:2:24")
}

func TestHygiene(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		".env":         "LOG_LEVEL=info\n",
		".env.local":   "LOG_LEVEL=info\n",
		".env.example": "LOG_LEVEL=info\n",
		".env.empty":   "# nothing\n",
		"server.key":   "-----BEGIN " + "PRIVATE KEY-----\nshort\n",
		"public.pem":   "-----BEGIN CERTIFICATE-----\n",
		"Dockerfile":   "FROM x AS b\nCOPY --from=b /x .\nCOPY . .\nCOPY .env /app/\n",
		".gitignore":   ".env.local\n",
	})
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-f", ".env", "Dockerfile")
	want(t, look(t, dir, Options{}), "env-tracked .env", "key-file server.key", "env-in-image Dockerfile:3", "env-in-image Dockerfile:4")
	put(t, dir, map[string]string{".dockerignore": "**/.env\n"})
	git(t, dir, "rm", "-q", "--cached", ".env")
	want(t, look(t, dir, Options{}), "env-tracked .env", "key-file server.key", "env-in-image Dockerfile:4")
}

// zipped is a zip archive.
func zipped(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(text))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tarred is a tar archive of one file, compressed.
func tarred(name, text string) string {
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	tw := tar.NewWriter(gz)
	_ = tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o600})
	_, _ = tw.Write([]byte(text))
	_, _ = tw.Close(), gz.Close()
	return b.String()
}

// TestArchives are looked into as deep as is asked, and a bomb is not.
func TestArchives(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.zip": zipped(t, map[string]string{"x/y.py": "\n" + hidden, "b.whl": zipped(t, map[string]string{"z.py": hidden})}), "c.tar.gz": tarred("in.txt", hidden), "broken.zip": "PK"})
	want(t, look(t, dir, Options{}))
	at := func(name string) string { return "unknown " + filepath.ToSlash(dir) + "/" + name }
	// What is deeper than was asked for is said, and not passed over.
	want(t, look(t, dir, Options{Depth: 1}), "github-token a.zip!x/y.py:2:1", "github-token c.tar.gz!in.txt:1:1", at("broken.zip"), at("a.zip!b.whl"))
	want(t, look(t, dir, Options{Depth: 2}), "github-token a.zip!x/y.py:2:1", "github-token a.zip!b.whl!z.py:1:1", "github-token c.tar.gz!in.txt:1:1", "unknown "+filepath.ToSlash(dir)+"/broken.zip")

	b := &budget{1000}
	if n, err := io.Copy(io.Discard, b.reader(strings.NewReader(strings.Repeat("x", 1<<20)))); !errors.Is(err, errTooLarge) || n > 64<<10 {
		t.Errorf("%d bytes are unpacked: %v", n, err)
	}
}

// TestArchiveKinds: what is not looked into is said, and what stands beside it
// in an archive is looked at.
func TestArchiveKinds(t *testing.T) {
	dir := t.TempDir()
	locked := []byte(zipped(t, map[string]string{"x.txt": "x"}))
	locked[6] |= 1 // of the file's own header
	central := bytes.Index(locked, []byte("PK\x01\x02"))
	locked[central+8] |= 1
	plain := zipped(t, map[string]string{"a/b.py": hidden})
	// A tar of x.py with a password: the standard library cannot write bzip2.
	bzipped, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWRu7ZSUAAH7bgMuQUANfggCEZiH+4AgIIAB1ERqaABtRo0AZD9UGSmg9IDQAADR8+cQEEBYSCCKeXKEmWMgEIUSi5md7pWvY0GRZKLQ1FlI5" +
		"b3UpMwn0TwrRheRae/fw6xhH0wCAMNQkgfi7kinChIDd2yko")
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, map[string]string{
		"a.jar": plain, "b.war": plain, "c.nupkg": plain, "d.crate": tarred("x/y.rs", hidden), "e.7z": "7z", "f.tar.xz": "x", "g.zip": string(locked),
		"h.zip":     zipped(t, map[string]string{"1.zip": "PK broken", "2.tar.zst": "x", "3.py": hidden, "4.zip": plain}),
		"i.tar.bz2": "BZ", "j.tbz2": string(bzipped),
	})
	at := func(name string) string { return "unknown " + filepath.ToSlash(dir) + "/" + name }
	want(t, look(t, dir, Options{Depth: 2}), "github-token a.jar!a/b.py:1:1", "github-token b.war!a/b.py:1:1", "github-token c.nupkg!a/b.py:1:1", "github-token d.crate!x/y.rs:1:1",
		at("e.7z"), at("f.tar.xz"), at("g.zip!x.txt"), at("h.zip!1.zip"), at("h.zip!2.tar.zst"), "github-token h.zip!3.py:1:1", "github-token h.zip!4.zip!a/b.py:1:1", at("i.tar.bz2"), "secret-assignment j.tbz2!x.py:1:13")
}

// TestArchivesInHistory are looked into as deep as those of a folder, though
// they are gone, and in what is staged.
func TestArchivesInHistory(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	put(t, dir, map[string]string{
		"dist/a b.whl": zipped(t, map[string]string{"x/y.py": "\n" + hidden, "b.jar": zipped(t, map[string]string{"z.py": another})}), "c.tgz": tarred("in.txt", hidden),
		"skipped.zip": zipped(t, map[string]string{"a": hidden}), "image.bin": "\x00\x01", "broken.zip": "\x00PK",
	})
	git(t, dir, "add", ".")
	staged := []string{"github-token dist/a b.whl!x/y.py:2:1", "github-token c.tgz!in.txt:1:1", "unknown broken.zip"}
	want(t, look(t, dir, Options{Staged: true}))
	want(t, look(t, dir, Options{Staged: true, Depth: 1, Exclude: []string{"skipped.zip"}}), append(staged, "unknown dist/a b.whl!b.jar")...)
	git(t, dir, "commit", "-qm", "with")
	git(t, dir, "rm", "-q", "-r", ".")
	git(t, dir, "commit", "-qm", "without")
	want(t, look(t, dir, Options{History: true}))
	want(t, look(t, dir, Options{History: true, Depth: 1, Exclude: []string{"skipped.zip"}}), append(staged, "unknown dist/a b.whl!b.jar")...)
	want(t, look(t, dir, Options{History: true, Depth: 2, Exclude: []string{"skipped.zip"}}), append(staged, "github-token dist/a b.whl!b.jar!z.py:1:1")...)
	r, err := Run(t.Context(), Options{Paths: []string{dir}, History: true, Depth: 2})
	if err != nil || len(r.Leaks) != 4 || r.Leaks[0].Commit == "" || r.Binary != 1 {
		t.Errorf("%v: %d leaks, %d binary files", err, len(r.Leaks), r.Binary)
	}
	if r, err := Run(t.Context(), Options{Paths: []string{dir}, History: true}); err != nil || r.Binary != 5 {
		t.Errorf("%v: %d binary files that are passed over, want 5", err, r.Binary)
	}
}

// TestUTF16InHistory: git takes UTF-16 for binary, and prints no lines of it.
func TestUTF16InHistory(t *testing.T) {
	dir := t.TempDir()
	wide := "\xff\xfe"
	for _, u := range utf16.Encode([]rune("x\r\n" + hidden + "\r\n")) {
		wide += string([]byte{byte(u), byte(u >> 8)})
	}
	git(t, dir, "init", "-q")
	put(t, dir, map[string]string{"deploy.ps1": wide, "nul.txt": "\x00" + hidden, "image.png": wide})
	git(t, dir, "add", ".")
	want(t, look(t, dir, Options{Staged: true}), "github-token deploy.ps1:2:1")
	git(t, dir, "commit", "-qm", "with")
	git(t, dir, "rm", "-q", "deploy.ps1")
	git(t, dir, "commit", "-qm", "without")
	want(t, look(t, dir, Options{History: true}), "github-token deploy.ps1:2:1")
	r, err := Run(t.Context(), Options{Paths: []string{dir}, History: true})
	if err != nil || r.Leaks[0].Commit == "" || r.Binary != 2 {
		t.Errorf("%v: %d binary files, want 2", err, r.Binary)
	}
}

// TestFilesOfSecretsInHistory: what git tracked once is in the history.
func TestFilesOfSecretsInHistory(t *testing.T) {
	dir := t.TempDir()
	key := "-----BEGIN " + "PRIVATE KEY-----\nshort\n"
	git(t, dir, "init", "-q")
	put(t, dir, map[string]string{
		".env": "LOG_LEVEL=info\n", "api/.env.local": "X=1\n", ".env.example": "X=1\n", ".env.empty": "# nothing\n", ".env.kept": "X=1\n", "skipped/.env": "X=1\n",
		"certs/server.key": key, "tests/server.key": key, "public.pem": "-----BEGIN CERTIFICATE-----\n", "env.txt": "DEBUG=true\nLOG_LEVEL=info\nPORT=8000\n",
	})
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-qm", "first")
	git(t, dir, "mv", "env.txt", ".env.moved")
	git(t, dir, "commit", "-qm", "second")
	git(t, dir, "rm", "-q", "-r", ".env", "api", ".env.example", ".env.empty", ".env.moved", "skipped", "certs", "tests", "public.pem")
	git(t, dir, "commit", "-qm", "third")
	o := Options{History: true, Exclude: []string{"skipped"}}
	want(t, look(t, dir, o), "env-in-history .env", "env-in-history api/.env.local", "env-in-history .env.moved", "key-in-history certs/server.key")
	want(t, look(t, dir, Options{Staged: true}))
	r, err := Run(t.Context(), Options{Paths: []string{dir}, History: true})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("git", "-C", dir, "rev-list", "--max-parents=0", "--abbrev-commit", "HEAD").Output()
	if first := strings.TrimSpace(string(out)); err != nil || !strings.Contains(r.Hygiene[0].Problem, first) {
		t.Errorf("%v: %q does not name the first commit, %s", err, r.Hygiene[0].Problem, first)
	}
}

// TestModes: files of secrets that others may read, tracked ones apart, which
// have what a checkout gives them.
func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	dir := t.TempDir()
	key := "-----BEGIN " + "PRIVATE KEY-----\nshort\n"
	modes := map[string]os.FileMode{".env": 0o644, ".env.local": 0o640, ".env.safe": 0o600, ".env.owner": 0o711, "id_ed25519": 0o604, "safe.key": 0o600, "ignored.key": 0o644, "public.pem": 0o644, ".env.tracked": 0o644, ".env.example": 0o644}
	for name, m := range modes {
		text := "X=1\n"
		switch {
		case name == "public.pem":
			text = "-----BEGIN CERTIFICATE-----\n"
		case !strings.HasPrefix(name, ".env"):
			text = key
		}
		put(t, dir, map[string]string{name: text})
		if err := os.Chmod(filepath.Join(dir, name), m); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, map[string]string{".gitignore": ".env\n.env.local\n.env.safe\n.env.owner\nignored.key\n"})
	git(t, dir, "init", "-q")
	git(t, dir, "add", ".env.tracked")
	want(t, look(t, dir, Options{}), "secret-mode .env", "secret-mode .env.local", "secret-mode id_ed25519", "secret-mode ignored.key",
		"key-file id_ed25519", "key-file safe.key", "env-tracked .env.tracked")
	r, err := Run(t.Context(), Options{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Hygiene {
		if f.Rule == "leaks/secret-mode" && (f.Severity != finding.Low || strings.HasSuffix(f.Where, ".local") != strings.Contains(f.Problem, "its group: its mode is 0640")) {
			t.Errorf("%s: %s: %s", f.Where, f.Severity, f.Problem)
		}
	}
}

// TestEnvValues: what git ignores is looked at by its names and lengths, and
// never as a leak.
func TestEnvValues(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		".gitignore": ".env\n",
		".env":       "SECRET_KEY=change-me\nJWT_SECRET='" + "short-one-1'" + "\nexport SESSION_SECRET=" + chars(43, urlsafe) + "\nDB_PASSWORD=" + "Winter-9'\nAPI_KEY=${KEY}\nTOKEN_URL=change-me\nPASSWORD=\n",
	})
	git(t, dir, "init", "-q")
	want(t, look(t, dir, Options{}), "env-placeholder .env:1", "env-weak-key .env:2")
}

// FuzzScan: places are right, no finding shows its secret, and the same text
// gives the same.
func FuzzScan(f *testing.F) {
	for _, r := range Rules() {
		f.Add("a.py", strings.NewReplacer("⟦", "", "⟧", "").Replace(r.True[0]))
	}
	f.Add("x.env", "PASSWORD=abc1234\nTOKEN: x")
	s := NewScanner()
	f.Fuzz(func(t *testing.T, name, text string) {
		found := s.Scan(name, []byte(text))
		lines := strings.SplitAfter(text, "\n")
		for _, l := range found {
			if l.Line < 1 || l.Line > len(lines) || l.secret == "" {
				t.Fatalf("%s at line %d of %d", l.Rule, l.Line, len(lines))
			}
			rest := strings.Join(lines[l.Line-1:], "")
			for range l.Column - 1 {
				_, size := utf8.DecodeRuneInString(rest)
				rest = rest[size:]
			}
			if !strings.HasPrefix(rest, l.secret) {
				t.Fatalf("%s is not at %d:%d", l.Rule, l.Line, l.Column)
			}
			l.Path = "x"
			if p := l.Finding(); len(l.secret) >= 8 && strings.Contains(p.Problem, l.secret) {
				t.Fatalf("%s shows its secret", l.Rule)
			}
		}
		if again := s.Scan(name, []byte(text)); !slices.Equal(again, found) {
			t.Fatal("the second time is another")
		}
	})
}

func TestExcludeThatIsNoPattern(t *testing.T) {
	if _, err := Run(t.Context(), Options{Paths: []string{t.TempDir()}, Exclude: []string{"["}}); err == nil || !strings.Contains(err.Error(), `exclude "[" is no pattern`) {
		t.Error(err)
	}
}
