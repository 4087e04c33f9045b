package advisories

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// An excerpt is a folder that [Update] reads like any other source, small
// enough to be committed beside the project that it is about:
//
//	excerpt.json       which packages it is about, and as of when
//	ECOSYSTEM/all.zip  the records that concern them
//
// A record that is missing says that a package has no hole only if the package
// is one of those. So the list and the archives must not come apart: each
// archive has a mark, by which it is not taken for a whole one, and the list
// has a sum over itself and the archive, which one that was merged by hand
// does not have.
const (
	excerptFile    = "excerpt.json"
	excerptVersion = 1
	excerptComment = "an excerpt: excerpt.json says of what"
	// maxExcerpt bounds the list: 100,000 names have some 4 MB.
	maxExcerpt = 16 << 20
)

// ErrExcerpt says that an excerpt is damaged, incomplete or of another
// version: it has to be taken anew.
var ErrExcerpt = errors.New("the excerpt cannot be used")

// An excerptIndex is what excerpt.json holds.
type excerptIndex struct {
	Version    int                    `json:"version"`
	Ecosystems map[string]excerptPart `json:"ecosystems"`
}

type excerptPart struct {
	// AsOf is the date of the newest record of the source, of whatever
	// package.
	AsOf time.Time `json:"as_of,omitzero"`
	// Packages are the names, as the ecosystem compares them, sorted.
	Packages []string `json:"packages"`
	// Unreadable names the source's files that are no records: they may have
	// been about these packages.
	Unreadable []string `json:"unreadable,omitempty"`
	// Sum is that of the part and its archive, see sumOf.
	Sum string `json:"sum"`
}

// sumOf is the SHA-256 of the part without its sum, in compact JSON, and of
// the archive.
func (p excerptPart) sumOf(archive io.Reader) (string, error) {
	p.Sum = ""
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(text)
	if _, err := io.Copy(h, archive); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ecosystems that the excerpt has, in the order of all.
func (x *excerptIndex) ecosystems() []string {
	return slices.DeleteFunc(Ecosystems(), func(e string) bool { _, ok := x.Ecosystems[e]; return !ok })
}

// packages of one ecosystem; none of what is no excerpt.
func (x *excerptIndex) packages(ecosystem string) []string {
	if x == nil {
		return nil
	}
	return x.Ecosystems[ecosystem].Packages
}

// readExcerptIndex reads a folder's excerpt.json; it returns nil for what is
// no folder or has none.
func readExcerptIndex(dir string) (*excerptIndex, error) {
	name := filepath.Join(dir, excerptFile)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxExcerpt+1))
	if err != nil {
		return nil, err
	}
	x, err := parseExcerptIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrExcerpt, err)
	}
	return x, nil
}

func parseExcerptIndex(data []byte) (*excerptIndex, error) {
	if len(data) > maxExcerpt {
		return nil, fmt.Errorf("it has more than %d MB", maxExcerpt>>20)
	}
	// The version first: of another one, nothing else is known.
	var other struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &other); err != nil {
		return nil, fmt.Errorf("it is not JSON of an excerpt: %w", err)
	}
	if other.Version == nil || *other.Version != excerptVersion {
		was := "none"
		if other.Version != nil {
			was = fmt.Sprint(*other.Version)
		}
		return nil, fmt.Errorf("its version is %s, and this program reads %d", was, excerptVersion)
	}
	x := &excerptIndex{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(x); err != nil {
		return nil, fmt.Errorf("it is not JSON of an excerpt: %w", err)
	}
	known := 0
	for e, part := range x.Ecosystems {
		if !slices.Contains(Ecosystems(), e) {
			return nil, fmt.Errorf("ecosystem %q is not one of %s", e, strings.Join(Ecosystems(), ", "))
		}
		for i, name := range part.Packages {
			if name == "" || nameKey(e, name) != name || i > 0 && part.Packages[i-1] >= name {
				return nil, fmt.Errorf("the packages of %s are not sorted, or %q is not the name that %s compares", e, name, e)
			}
		}
		known += len(part.Packages)
	}
	if known == 0 {
		return nil, errors.New("it names no package")
	}
	return x, nil
}

func (x *excerptIndex) encode() ([]byte, error) {
	data, err := json.MarshalIndent(x, "", "  ")
	return append(data, '\n'), err
}

// readExcerpt reads the archives of an excerpt.
func (c *compiler) readExcerpt(ctx context.Context, o UpdateOptions) error {
	for _, e := range o.Ecosystems {
		part, ok := c.excerpt.Ecosystems[e]
		if !ok {
			return fmt.Errorf("%s: %w: it has nothing of %s, only of %s", o.From, ErrExcerpt, e, strings.Join(c.excerpt.ecosystems(), ", "))
		}
		archive := filepath.Join(o.From, e, "all.zip")
		if err := part.verify(archive); err != nil {
			return fmt.Errorf("%s: %w: %w", archive, ErrExcerpt, err)
		}
		src := Source{Ecosystem: e, From: archive, About: len(part.Packages)}
		if err := c.readZip(ctx, archive, &src, o); err != nil {
			return err
		}
		// What was left out counts too.
		src.Newest = part.AsOf
		src.Unreadable = append(src.Unreadable, part.Unreadable...)
		c.addSource(src, part.AsOf)
	}
	return nil
}

// verify tells whether the archive is the one that the part was written with.
func (p excerptPart) verify(archive string) error {
	f, err := os.Open(archive)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is missing")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sum, err := p.sumOf(io.LimitReader(f, maxArchive))
	if err == nil && sum != p.Sum {
		err = fmt.Errorf("it and %s do not belong together: one was changed, or merged, without the other", excerptFile)
	}
	return err
}

// ExcerptOptions say what to take an excerpt of.
type ExcerptOptions struct {
	// UpdateOptions say where the records come from, as for [Update]. An
	// excerpt is a source too, for what it is about.
	UpdateOptions
	// Database is the path beside which [Update] keeps downloads, so that
	// none is fetched twice; empty means [DefaultPath].
	Database string
	// Dependencies are those to be about, whatever their status: what a
	// marker excludes here is audited for another machine.
	Dependencies []inventory.Dependency
}

// An Excerpt is what the advisories say of some packages, in memory.
type Excerpt struct {
	// Packages that it is about, and Records about them.
	Packages, Records int
	Parts             []ExcerptPart

	files []excerptContent // in the order of writing: the index last
}

// An ExcerptPart is what an excerpt has of one ecosystem.
type ExcerptPart struct {
	Ecosystem string
	AsOf      time.Time
	Packages  int
}

// excerptContent is a file of an excerpt, by its slash-separated name.
type excerptContent struct {
	name string
	data []byte
}

// TakeExcerpt takes, of the source's records, those that an audit of the
// dependencies looks at: those that concern one of their packages, and the
// aliases of those. Withdrawn ones are left out.
//
// The same records and packages make the same bytes.
func TakeExcerpt(ctx context.Context, o ExcerptOptions) (*Excerpt, error) {
	source, err := o.settle()
	if err != nil {
		return nil, err
	}
	c := newCompiler(o.Ecosystems)
	c.excerpt, c.keep = source, true
	if err := c.collect(ctx, o); err != nil {
		return nil, err
	}
	index := &excerptIndex{Version: excerptVersion, Ecosystems: map[string]excerptPart{}}
	for _, src := range c.meta.Sources {
		part := excerptPart{AsOf: src.Newest, Packages: packagesOf(src.Ecosystem, o.Dependencies), Unreadable: src.Unreadable}
		if source != nil {
			if err := source.knowsAll(src.Ecosystem, part.Packages); err != nil {
				return nil, fmt.Errorf("%s %w", o.From, err)
			}
		}
		index.Ecosystems[src.Ecosystem] = part
	}
	x := &Excerpt{}
	kept := c.concerning(index)
	x.Records = len(kept)
	for _, e := range index.ecosystems() {
		archive, err := c.archive(kept, e, index)
		if err != nil {
			return nil, err
		}
		part := index.Ecosystems[e]
		if part.Sum, err = part.sumOf(bytes.NewReader(archive)); err != nil {
			return nil, err
		}
		index.Ecosystems[e] = part
		x.files = append(x.files, excerptContent{e + "/all.zip", archive})
		x.Packages += len(part.Packages)
		x.Parts = append(x.Parts, ExcerptPart{e, part.AsOf, len(part.Packages)})
	}
	if x.Packages == 0 {
		return nil, fmt.Errorf("no dependency is of %s: there is nothing for an excerpt to be about", strings.Join(index.ecosystems(), " or "))
	}
	text, err := index.encode()
	if err != nil {
		return nil, err
	}
	if _, err := parseExcerptIndex(text); err != nil {
		return nil, fmt.Errorf("the excerpt could not be read again: %w", err)
	}
	x.files = append(x.files, excerptContent{excerptFile, text})
	return x, nil
}

// collect reads the source's records.
func (c *compiler) collect(ctx context.Context, o ExcerptOptions) error {
	if !o.remote() {
		return c.readLocal(ctx, o.UpdateOptions)
	}
	if o.Database == "" {
		database, err := DefaultPath()
		if err != nil {
			return err
		}
		o.Database = database
	}
	unlock, err := lockBeside(o.Database)
	if err != nil {
		return err
	}
	defer unlock()
	return c.fetchAll(ctx, filepath.Dir(o.Database), o.UpdateOptions)
}

// packagesOf are the names of an ecosystem's dependencies, as it compares
// them, sorted.
func packagesOf(ecosystem string, dependencies []inventory.Dependency) []string {
	out := []string{}
	for _, d := range dependencies {
		// JSON could not hold a name that is no text; nor is it any package's.
		if string(d.Ecosystem) == ecosystem && d.Name != "" && utf8.ValidString(d.Name) {
			out = append(out, d.Key())
		}
	}
	if ecosystem == string(inventory.Go) && len(out) > 0 {
		// Whatever a go.mod says, some Go builds it, and --go says which.
		out = append(out, "stdlib", "toolchain")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// knowsAll is an error if there are packages that the excerpt is not about.
func (x *excerptIndex) knowsAll(ecosystem string, names []string) error {
	var missing []string
	for _, name := range names {
		if _, ok := slices.BinarySearch(x.packages(ecosystem), name); !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	more := ""
	if n := len(missing) - 3; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
		missing = missing[:3]
	}
	return fmt.Errorf("is an excerpt itself, and does not know %s%s: take it from the full records", strings.Join(missing, ", "), more)
}

// concerning are the records about one of the packages, and those that are
// aliases of such a one over any number of steps, which lend it their names
// and severity; sorted by ID.
func (c *compiler) concerning(index *excerptIndex) []*record {
	group, _, of := c.groups()
	wanted := map[string]bool{}
	for i := range c.records {
		if slices.ContainsFunc(c.records[i].Affected, func(a affected) bool {
			_, ok := slices.BinarySearch(index.packages(a.Ecosystem), nameKey(a.Ecosystem, a.Name))
			return ok
		}) {
			wanted[group[i]] = true
		}
	}
	var out []*record
	for root := range wanted {
		for _, i := range of[root] {
			out = append(out, &c.records[i])
		}
	}
	slices.SortFunc(out, func(a, b *record) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// archive is the all.zip of one ecosystem: of the records, those that name it,
// as OSV does it, and those that name no ecosystem of the excerpt.
func (c *compiler) archive(records []*record, ecosystem string, index *excerptIndex) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	if err := z.SetComment(excerptComment); err != nil {
		return nil, err
	}
	for _, r := range records {
		here, elsewhere := false, false
		for _, a := range r.Affected {
			_, ok := index.Ecosystems[a.Ecosystem]
			here, elsewhere = here || a.Ecosystem == ecosystem, elsewhere || ok
		}
		if !here && elsewhere {
			continue
		}
		data, err := inflate(r.raw)
		if err != nil {
			return nil, err
		}
		// By the ID and without a date, so that the same records make the
		// same bytes; an ID is anybody's word, and no path.
		w, err := z.CreateHeader(&zip.FileHeader{Name: url.PathEscape(r.ID) + ".json", Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Size of the files in bytes.
func (x *Excerpt) Size() (n int) {
	for _, f := range x.files {
		n += len(f.data)
	}
	return n
}

// Write writes the excerpt into a folder, where an older one is replaced; it
// refuses to replace records that are no excerpt. The function replace puts
// data in the place of one file at once. If it fails in between, what is in
// the folder is not taken for an excerpt.
func (x *Excerpt) Write(dir string, replace func(name string, data []byte) error) error {
	for _, f := range x.files {
		if err := mayReplace(dir, f.name); err != nil {
			return err
		}
	}
	for _, f := range x.files {
		name := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // to be committed, and so read by all
			return err
		}
		if err := replace(name, f.data); err != nil {
			return err
		}
	}
	return nil
}

// mayReplace is an error if an archive is there that is none of an excerpt: a
// slip of the command line must not cost anybody their copy of the records.
func mayReplace(dir, file string) error {
	name := filepath.Join(dir, filepath.FromSlash(file))
	if path.Ext(file) != ".zip" {
		return nil
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, excerptFile)); err == nil {
		return nil
	}
	z, err := zip.OpenReader(name)
	if err == nil {
		defer z.Close() //nolint:errcheck // read only
		if z.Comment == excerptComment {
			return nil
		}
	}
	return fmt.Errorf("%s is there and is no excerpt: name another folder, or remove it", name)
}
