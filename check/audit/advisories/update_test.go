package advisories

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// archive is an all.zip of records.
func archive(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: n + ".json", Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(records[n])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A mirror serves one archive, and can be told to break off.
type mirror struct {
	mu    sync.Mutex
	data  []byte
	tag   string
	cut   int // break off after so many bytes; 0 means never
	asked []http.Header
	codes []int
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, r.Header.Clone())
	if r.URL.Path != "/base/PyPI/all.zip" {
		http.NotFound(w, r)
		return
	}
	rec := &recorder{ResponseWriter: w, cut: m.cut}
	w.Header().Set("ETag", m.tag)
	http.ServeContent(rec, r, "", time.Time{}, bytes.NewReader(m.data))
	m.codes = append(m.codes, rec.code)
	if rec.broken {
		panic(http.ErrAbortHandler)
	}
}

type recorder struct {
	http.ResponseWriter
	cut, sent, code int
	broken          bool
}

func (r *recorder) WriteHeader(code int) { r.code = code; r.ResponseWriter.WriteHeader(code) }

func (r *recorder) Write(p []byte) (int, error) {
	if r.cut > 0 && r.sent+len(p) > r.cut {
		p = p[:r.cut-r.sent]
		r.broken = true
	}
	n, err := r.ResponseWriter.Write(p)
	r.sent += n
	if r.broken {
		r.ResponseWriter.(http.Flusher).Flush()
		return n, errors.New("broken off")
	}
	return n, err
}

func serve(t *testing.T, m *mirror) UpdateOptions {
	t.Helper()
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	return UpdateOptions{From: s.URL + "/base", Ecosystems: []string{"PyPI"}}
}

func TestFetchOnlyWhatChanged(t *testing.T) {
	m := &mirror{data: archive(t, "T-plain"), tag: `"one"`}
	o := serve(t, m)
	path := filepath.Join(t.TempDir(), "a.db")
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return day }
	if _, err := Update(context.Background(), path, o); err != nil {
		t.Fatal(err)
	}
	day = day.AddDate(0, 0, 5)
	s, err := Update(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	if m.codes[1] != http.StatusNotModified {
		t.Errorf("the second fetch was answered %d, want 304", m.codes[1])
	}
	if !s.AsOf().Equal(day) {
		t.Errorf("as of %s, want %s: the source said that nothing is newer", s.AsOf(), day)
	}
	m.mu.Lock()
	m.data, m.tag = archive(t, "T-plain", "T-last"), `"two"`
	m.mu.Unlock()
	if s, err = Update(context.Background(), path, o); err != nil || s.Advisories != 2 {
		t.Errorf("%d advisories after a change, %v", s.Advisories, err)
	}
}

func TestFetchGoesOnWhereItBrokeOff(t *testing.T) {
	m := &mirror{data: archive(t, "T-plain", "T-last", "T-limit", "T-listed"), tag: `"one"`, cut: 700}
	o := serve(t, m)
	path := filepath.Join(t.TempDir(), "a.db")
	_, err := Update(context.Background(), path, o)
	if err == nil || !strings.Contains(err.Error(), "goes on from there") {
		t.Fatalf("got %v", err)
	}
	if _, err := Open(path); !errors.Is(err, ErrNone) {
		t.Errorf("half a download made a database: %v", err)
	}
	m.cut = 0
	s, err := Update(context.Background(), path, o)
	if err != nil || s.Advisories != 4 {
		t.Fatalf("%d advisories, %v", s.Advisories, err)
	}
	if got := m.asked[1].Get("Range"); got != "bytes=700-" || m.codes[1] != http.StatusPartialContent {
		t.Errorf("asked for %q and got %d", got, m.codes[1])
	}
}

// TestFetchNeverJoinsTwoArchives: what was fetched of one archive is not
// continued with another.
func TestFetchNeverJoinsTwoArchives(t *testing.T) {
	m := &mirror{data: archive(t, "T-plain", "T-last", "T-limit", "T-listed"), tag: `"one"`, cut: 700}
	o := serve(t, m)
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := Update(context.Background(), path, o); err == nil {
		t.Fatal("no error")
	}
	m.cut, m.data, m.tag = 0, archive(t, "T-epoch", "T-last", "T-limit", "T-unsorted", "T-two-keys"), `"two"`
	s, err := Update(context.Background(), path, o)
	if err != nil || s.Advisories != 5 {
		t.Fatalf("%d advisories, %v", s.Advisories, err)
	}
	// And where the source forgets what it had, it is asked anew.
	m.cut, m.data, m.tag = 900, archive(t, "T-plain", "T-last", "T-limit", "T-listed", "T-epoch", "T-unsorted"), `"three"`
	if _, err := Update(context.Background(), path, o); err == nil {
		t.Fatal("no error")
	}
	m.cut, m.data = 0, archive(t, "T-last")
	if s, err = Update(context.Background(), path, o); err != nil || s.Advisories != 1 {
		t.Fatalf("%d advisories, %v", s.Advisories, err)
	}
}

func TestFailedUpdateLeavesTheOldDatabase(t *testing.T) {
	m := &mirror{data: archive(t, "T-plain"), tag: `"one"`}
	o := serve(t, m)
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := Update(context.Background(), path, o); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole := archive(t, "T-plain", "T-last")
	damaged := bytes.Clone(whole)
	damaged[100] ^= 1
	for name, data := range map[string][]byte{
		"cut off": whole[:len(whole)/2], "damaged": damaged, "no zip": []byte("<html>log in</html>"), "empty": {}, "of others": archive(t, "GO-2024-1"),
	} {
		m.data, m.tag = data, fmt.Sprintf("%q", name)
		if _, err := Update(context.Background(), path, o); err == nil {
			t.Errorf("%s: no error", name)
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the database has changed, %v", name, err)
		}
	}
	for _, code := range []int{403, 404, 500, 302} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		o := UpdateOptions{From: s.URL + "?token=opensesame", Ecosystems: []string{"PyPI"}}
		_, err := Update(context.Background(), path, o)
		s.Close()
		if err == nil || strings.Contains(err.Error(), "opensesame") {
			t.Errorf("status %d: %v", code, err)
		}
	}
	left, err := filepath.Glob(path + ".new-*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestBadSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	big := filepath.Join(t.TempDir(), "bomb.zip")
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, _ := z.Create("bomb.json")
	zeros := make([]byte, 1<<20)
	for range maxRecord>>20 + 1 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]UpdateOptions{
		"absent":       {From: "/no/such/folder"},
		"empty folder": {From: t.TempDir()},
		"zip bomb":     {From: big},
		"ecosystem":    {From: t.TempDir(), Ecosystems: []string{"npm"}},
		"no host":      {From: "https://"},
	} {
		if _, err := Update(context.Background(), path, o); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a database was made", name)
		}
	}
}

func TestOneUpdateAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	unlock, err := lock(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Update(context.Background(), path, UpdateOptions{From: folder(t)})
	if !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	unlock()
	if _, err = Update(context.Background(), path, UpdateOptions{From: folder(t)}); err != nil {
		t.Error(err)
	}
}

// TestReadersSeeOneDatabaseWhileAnotherComes: who has the file open reads on
// in the old one, and who opens it gets the old one or the new one.
func TestReadersSeeOneDatabaseWhileAnotherComes(t *testing.T) {
	dir := folder(t)
	path, _ := build(t, dir)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				db, err := Open(path)
				if err != nil {
					t.Error(err)
					return
				}
				for range 20 {
					if got := ask(t, db, "PyPI", "plain-name", "1.9"); got != "T-plain" {
						t.Errorf("got %q", got)
					}
				}
				db.Close()
			}
		})
	}
	for range 20 {
		if _, err := Update(context.Background(), path, UpdateOptions{From: dir}); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}
