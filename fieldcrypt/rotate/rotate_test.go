package rotate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

func sqlitePlace(t *testing.T) *place {
	path := filepath.Join(t.TempDir(), "app.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=synchronous(0)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &place{dsn: "sqlite://" + path, db: db, param: question}
}

func TestSQLite(t *testing.T) { suite(t, sqlitePlace(t)) }

// fakeTx is a table in which somebody else writes between the reading and the
// writing of a chunk.
type fakeTx struct {
	table   map[string][]*string
	meddle  func(round int)
	updates int
	spoil   func(id string) *string
}

func (f *fakeTx) rows(context.Context, *Table, *string, *string) ([]row, error) {
	var rows []row
	for k, tokens := range f.table {
		rows = append(rows, row{key: k, tokens: append([]*string(nil), tokens...)})
	}
	return rows, nil
}

func (f *fakeTx) again(_ context.Context, _ *Table, keys []string) ([]row, error) {
	var rows []row
	for _, k := range keys {
		if tokens, ok := f.table[k]; ok {
			rows = append(rows, row{key: k, tokens: append([]*string(nil), tokens...)})
		}
	}
	return rows, nil
}

func (f *fakeTx) update(_ context.Context, _ *Table, changes []change) ([]bool, error) {
	if f.meddle != nil {
		f.meddle(f.updates)
	}
	f.updates++
	written := make([]bool, len(changes))
	for k, c := range changes {
		now, ok := f.table[c.row.key]
		for i := range now {
			ok = ok && (now[i] == nil) == (c.row.tokens[i] == nil) && (now[i] == nil || *now[i] == *c.row.tokens[i])
		}
		if !ok {
			continue
		}
		if f.spoil != nil {
			c.news[0] = f.spoil(c.row.key)
		}
		for i, n := range c.news {
			if n != nil {
				now[i] = n
			}
		}
		written[k] = true
	}
	return written, nil
}

func fake(t *testing.T, ring *fieldcrypt.Ring, rows int) (*fakeTx, *Table, func(id int, column, value string) *string) {
	table := &Table{Name: "t", Key: "id", Columns: []string{"a", "b"}}
	seal := func(id int, column, value string) *string {
		token, err := ring.Encrypt([]byte(value), fieldcrypt.Context{Table: "t", Column: column, PrimaryKey: fmt.Sprint(id)})
		if err != nil {
			t.Fatal(err)
		}
		return &token
	}
	f := &fakeTx{table: map[string][]*string{}}
	for id := range rows {
		f.table[fmt.Sprint(id)] = []*string{seal(id, "a", "a"), seal(id, "b", "b")}
	}
	return f, table, seal
}

func rings(t *testing.T) (old, both *fieldcrypt.Ring) {
	old, err := fieldcrypt.NewRing(key(t, fieldcrypt.V1))
	if err != nil {
		t.Fatal(err)
	}
	both, err = old.Add(key(t, fieldcrypt.V1))
	if err != nil {
		t.Fatal(err)
	}
	return old, both
}

// TestWrittenMeanwhile: a value that somebody writes between our reading and
// our writing stays, and is rotated in the next round; a row that is deleted
// is gone; one that is written again and again is left to its writer.
func TestWrittenMeanwhile(t *testing.T) {
	old, both := rings(t)
	f, table, seal := fake(t, old, 4)
	f.meddle = func(round int) {
		if round == 0 {
			f.table["0"][0] = seal(0, "a", "written")
			delete(f.table, "1")
			f.table["2"][1] = nil
		}
		f.table["3"][0] = seal(3, "a", fmt.Sprint("round ", round))
	}
	n, err := rotateRows(t.Context(), f, both, table, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	// 0 has two, 2 has one that is left, 3 none.
	if n.rows != 4 || n.changed != 3 || n.null != 1 || n.contended != 1 {
		t.Errorf("%+v", n)
	}
	value, err := both.Decrypt(*f.table["0"][0], fieldcrypt.Context{Table: "t", Column: "a", PrimaryKey: "0"})
	if err != nil || string(value) != "written" {
		t.Errorf("%q, %v: the value that was written meanwhile is clobbered", value, err)
	}
	if id, err := both.KeyOf(*f.table["0"][0]); err != nil || id != both.Primary().ID {
		t.Errorf("it is of key %s, %v", id, err)
	}
	if f.table["2"][1] != nil {
		t.Error("a NULL that was written meanwhile is clobbered")
	}
	value, err = both.Decrypt(*f.table["3"][0], fieldcrypt.Context{Table: "t", Column: "a", PrimaryKey: "3"})
	if err != nil || !strings.HasPrefix(string(value), "round") {
		t.Errorf("%q, %v", value, err)
	}
}

// TestDigest: if what is written has another value than what was read, the
// chunk is not committed.
func TestDigest(t *testing.T) {
	old, both := rings(t)
	f, table, _ := fake(t, old, 2)
	f.spoil = func(id string) *string {
		token, err := both.Encrypt([]byte("another"), fieldcrypt.Context{Table: "t", Column: "a", PrimaryKey: id})
		if err != nil {
			t.Fatal(err)
		}
		return &token
	}
	if _, err := rotateRows(t.Context(), f, both, table, nil, nil); !errors.Is(err, errDigest) {
		t.Errorf("%v", err)
	}
}

// TestRate: a chunk's rows are paid for before the next chunk begins.
func TestRate(t *testing.T) {
	m := &meter{o: &Options{RowsPerSecond: 100}, start: time.Now()}
	m.add(t.Context(), 50)
	m.add(t.Context(), 100)
	if rest := time.Until(m.next); rest < time.Second || rest > 1500*time.Millisecond {
		t.Errorf("the next chunk begins in %s", rest)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestOptionMistakes(t *testing.T) {
	_, err := Run(t.Context(), nil, Options{Chunk: -1, Workers: 1000, RowsPerSecond: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"key ring", "chunk", "workers", "negative", "no table"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %q in %v", want, err)
		}
	}
}

// TestDSN: an error says what is wrong, and not the password.
func TestDSN(t *testing.T) {
	for _, dsn := range []string{
		"users.db", "oracle://u:sorrel@h/x", "postgres://u:sorrel@127.0.0.1:1/x?connect_timeout=1", "postgresql+asyncpg://u:sorrel@127.0.0.1:1/x?sslmode=nosuch",
		"mysql://u:sorrel@127.0.0.1:1/x", "sqlite://", "sqlite:////nosuch/dir/x.db", "postgres://u:sorrel@%zz/x",
	} {
		db, err := Open(t.Context(), dsn)
		if err == nil {
			db.Close()
			t.Errorf("%s: opened", dsn)
		} else if strings.Contains(err.Error(), "sorrel") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	if _, err := os.Stat("/nosuch"); err == nil {
		t.Error("made a folder")
	}
}
