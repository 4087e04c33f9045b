// Package advisories holds the database of known vulnerabilities that an
// audit compares with: OSV records, compiled into one file that is looked up
// by package without being read.
//
// The file is replaced as a whole and atomically. Whoever has it open goes on
// reading what they opened.
package advisories

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sort"
	"time"

	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// ErrNone says that there is no database yet.
var ErrNone = errors.New("there is no advisory database")

// Status is what a database was made of.
type Status struct {
	// Built is when it was compiled.
	Built time.Time `json:"built"`
	// Packages and Advisories that it holds, without withdrawn ones.
	Packages   int      `json:"packages"`
	Advisories int      `json:"advisories"`
	Sources    []Source `json:"sources"`
	// Excerpt tells that the database knows the packages alone that its
	// sources are about: that it has no advisory of another says nothing.
	Excerpt bool `json:"excerpt,omitempty"`
}

// A Source is what was read of one ecosystem.
type Source struct {
	Ecosystem string `json:"ecosystem"`
	From      string `json:"from"`
	// AsOf is when the records were known to be current: the time of the
	// download or, for files, of the newest record.
	AsOf      time.Time `json:"as_of"`
	Newest    time.Time `json:"newest_record"`
	Records   int       `json:"records"`
	Withdrawn int       `json:"withdrawn"`
	// About counts the packages that an excerpt is about.
	About int `json:"about,omitempty"`
	// Unreadable names the files that are no records, and why.
	Unreadable []string `json:"unreadable,omitempty"`
	// Partial names the records of which a part was not understood.
	Partial []string `json:"partial,omitempty"`
	// ETag and SHA256 identify what was downloaded.
	ETag   string `json:"etag,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// AsOf is the age that counts for what is of the ecosystems: of the oldest of
// their sources. Without ecosystems it is that of all. The zero time is that
// of records that do not say when they are of.
func (s Status) AsOf(ecosystems ...string) time.Time {
	var oldest *time.Time
	for i, src := range s.Sources {
		if len(ecosystems) > 0 && !slices.Contains(ecosystems, src.Ecosystem) {
			continue
		}
		if oldest == nil || src.AsOf.Before(*oldest) {
			oldest = &s.Sources[i].AsOf
		}
	}
	if oldest == nil {
		return time.Time{}
	}
	return *oldest
}

// Has tells whether the ecosystem was compiled in.
func (s Status) Has(ecosystem string) bool {
	for _, src := range s.Sources {
		if src.Ecosystem == ecosystem {
			return true
		}
	}
	return false
}

// A DB is an open database. It is safe for concurrent use.
type DB struct {
	file   *os.File
	size   int64
	status Status
	table  []byte
}

// Open opens a database. The error is ErrNone if there is none, and a
// *CorruptError if the file is not a whole one.
func Open(path string) (*DB, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	db, err := open(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

func open(f *os.File) (*DB, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	db := &DB{file: f, size: info.Size()}
	head, err := db.read(0, min(headerSize, db.size))
	if err != nil {
		return nil, err
	}
	h, err := decodeHeader(head, db.size)
	if err != nil {
		return nil, err
	}
	meta, err := db.read(h.metaAt, h.metaLen)
	if err != nil {
		return nil, err
	}
	if checksum(meta) != h.metaSum || json.Unmarshal(meta, &db.status) != nil {
		return nil, &CorruptError{"what it says of itself has another checksum"}
	}
	if h.excerpt != db.status.Excerpt {
		return nil, &CorruptError{"its header and what it says of itself differ"}
	}
	if db.table, err = db.read(h.tableAt, h.tableLen); err != nil {
		return nil, err
	}
	if checksum(db.table) != h.tableSum {
		return nil, &CorruptError{"its table has another checksum"}
	}
	return db, nil
}

func (db *DB) read(at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || at > db.size || n > db.size-at {
		return nil, &CorruptError{"a part of it lies outside of it"}
	}
	b := make([]byte, n)
	if _, err := db.file.ReadAt(b, at); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &CorruptError{"it ends early"}
		}
		return nil, err
	}
	return b, nil
}

// Close closes the file.
func (db *DB) Close() error { return db.file.Close() }

// Status tells what the database was made of.
func (db *DB) Status() Status { return db.status }

// nameKey is the name by which the ecosystem compares.
func nameKey(ecosystem, name string) string {
	return inventory.Dependency{Ecosystem: inventory.Ecosystem(ecosystem), Name: name}.Key()
}

// Lookup finds a package by its name in any spelling that its ecosystem calls
// equal. It returns nil where no advisory names the package or, in the
// database of an excerpt, where the excerpt is not about it.
func (db *DB) Lookup(ecosystem, name string) (*Package, error) {
	key := nameKey(ecosystem, name)
	hash := nameHash(ecosystem, key)
	n := len(db.table) / entrySize
	entry := func(i int) []byte { return db.table[i*entrySize : (i+1)*entrySize] }
	for i := sort.Search(n, func(i int) bool { return binary.LittleEndian.Uint64(entry(i)) >= hash }); i < n; i++ {
		e := entry(i)
		if binary.LittleEndian.Uint64(e) != hash {
			break
		}
		block, err := db.read(int64(binary.LittleEndian.Uint64(e[8:])), int64(binary.LittleEndian.Uint32(e[16:])))
		if err != nil {
			return nil, err
		}
		if len(block) < 4 || checksum(block[4:]) != binary.LittleEndian.Uint32(block) {
			return nil, &CorruptError{fmt.Sprintf("the checksum of package %q is wrong", key)}
		}
		p, ok := decodePackage(string(block[4:]))
		if !ok {
			return nil, &CorruptError{fmt.Sprintf("package %q cannot be decoded", key)}
		}
		if p.Ecosystem == ecosystem && p.Name == key {
			return p, nil
		}
	}
	return nil, nil
}

// An Advisory is what is told of one record.
type Advisory struct {
	// ID of the record itself.
	ID string `json:"id"`
	// Names under which it is known, its own among them, the CVE first:
	// aliases, and the aliases of those.
	Names []string `json:"names"`
	// Summary in a line; cut from the details where the record has none.
	Summary   string    `json:"summary,omitempty"`
	URL       string    `json:"url,omitempty"`
	Published time.Time `json:"published,omitzero"`
	Modified  time.Time `json:"modified,omitzero"`
	// Severity holds the vectors of the record and its aliases.
	Severity []Severity `json:"severity,omitempty"`
	// Rating is a word such as HIGH where a database gives one.
	Rating string `json:"rating,omitempty"`
	// Malicious tells that the package itself is the attack.
	Malicious bool `json:"malicious,omitempty"`

	text, details, raw part
}

// A part of a record, with its checksum.
type part struct {
	at, length int64
	sum        uint32
}

// Advisory reads the record that a match refers to.
func (db *DB) Advisory(m Match) (*Advisory, error) {
	if m.length < recordHead {
		return nil, &CorruptError{"a record is too short"}
	}
	head, err := db.read(m.at, recordHead)
	if err != nil {
		return nil, err
	}
	a := &Advisory{}
	at := m.at + recordHead
	for i, p := range []*part{&a.text, &a.details, &a.raw} {
		*p = part{at, int64(binary.LittleEndian.Uint32(head[8*i:])), binary.LittleEndian.Uint32(head[8*i+4:])}
		at += p.length
	}
	if at != m.at+m.length {
		return nil, &CorruptError{"a record is longer or shorter than its place"}
	}
	text, err := db.part(a.text)
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(text, a) != nil || len(a.Names) == 0 {
		return nil, &CorruptError{"a record cannot be decoded"}
	}
	return a, nil
}

func (db *DB) part(p part) ([]byte, error) {
	b, err := db.read(p.at, p.length)
	if err != nil {
		return nil, err
	}
	if checksum(b) != p.sum {
		return nil, &CorruptError{"the checksum of a record is wrong"}
	}
	return b, nil
}

// Details reads the advisory's own text: Markdown that anybody may have
// written.
func (db *DB) Details(a *Advisory) (string, error) {
	b, err := db.part(a.details)
	return string(b), err
}

// Source reads the OSV record that the advisory was compiled from, as JSON.
// It is kept of the Go database's records alone; of others it is nil.
func (db *DB) Source(a *Advisory) ([]byte, error) {
	b, err := db.part(a.raw)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	out, err := inflate(b)
	if err != nil {
		return nil, &CorruptError{"a record cannot be unpacked"}
	}
	return out, nil
}

// inflate undoes what a compiler's deflate did.
func inflate(b []byte) ([]byte, error) {
	return io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), maxRecord))
}
