package advisories

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// DefaultFrom is where OSV publishes its records: one all.zip an ecosystem.
const DefaultFrom = "https://osv-vulnerabilities.storage.googleapis.com"

// Ecosystems that are compiled unless others are asked for.
func Ecosystems() []string { return []string{"PyPI", "Go"} }

// Bounds on what is read. OSV's largest archive had 250 MB and a record 2 MB
// when they were chosen; an archive that unpacks to more is an attack.
const (
	maxArchive  = 4 << 30
	maxRecord   = 32 << 20
	maxUnpacked = 16 << 30
	maxRecords  = 5_000_000
)

// UpdateOptions say where records come from.
type UpdateOptions struct {
	// From is a folder, a zip or an http(s) address. A folder or address holds
	// ECOSYSTEM/all.zip; a folder may also hold ECOSYSTEM/*.json or *.json, or
	// be an excerpt, see [TakeExcerpt]. Empty means [DefaultFrom].
	From string
	// Ecosystems to compile; none means [Ecosystems] or, of an excerpt, those
	// that it has.
	Ecosystems []string
	// Client fetches; nil means one that waits 30 s for an answer to begin.
	Client *http.Client
	// Now is the time; nil means time.Now.
	Now func() time.Time
	// Progress is told how far a step is, in bytes or records; total is 0
	// where it is not known. It may be nil.
	Progress func(step string, done, total int64)
}

// ErrBusy says that another process is updating the same database.
var ErrBusy = errors.New("another process is updating the advisory database")

// Update makes the database anew from its source and swaps it in. Until then,
// and if anything fails, the old one stays as it was. What was downloaded is
// kept beside it: if the source has nothing newer, only the date changes.
func Update(ctx context.Context, path string, o UpdateOptions) (Status, error) {
	excerpt, err := o.settle()
	if err != nil {
		return Status{}, err
	}
	unlock, err := lockBeside(path)
	if err != nil {
		return Status{}, err
	}
	defer unlock()

	c := newCompiler(o.Ecosystems)
	c.excerpt = excerpt
	c.meta.Built = o.Now().UTC()
	if o.remote() {
		err = c.fetchAll(ctx, filepath.Dir(path), o)
	} else {
		err = c.readLocal(ctx, o)
	}
	if err != nil {
		return Status{}, err
	}
	// A project may well have no dependency that an advisory is about.
	if len(c.records) == 0 && excerpt == nil {
		return Status{}, fmt.Errorf("%s holds no record of %s", o.From, strings.Join(o.Ecosystems, ", "))
	}
	o.Progress("compiling", 0, 0)
	if err := c.swapIn(path); err != nil {
		return Status{}, err
	}
	return c.meta, nil
}

// settle puts in what was left out, and returns what the source is about if
// it is an excerpt.
func (o *UpdateOptions) settle() (excerpt *excerptIndex, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if o.From == "" {
		o.From = DefaultFrom
	}
	for _, e := range o.Ecosystems {
		if !slices.Contains(Ecosystems(), e) {
			return nil, fmt.Errorf("ecosystem %q is not one of %s", e, strings.Join(Ecosystems(), ", "))
		}
	}
	if !o.remote() {
		if excerpt, err = readExcerptIndex(o.From); err != nil {
			return nil, err
		}
	}
	switch {
	case len(o.Ecosystems) == 0 && excerpt == nil:
		o.Ecosystems = Ecosystems()
	case len(o.Ecosystems) == 0:
		o.Ecosystems = excerpt.ecosystems()
	}
	return excerpt, nil
}

// remote tells whether the source is an address.
func (o *UpdateOptions) remote() bool {
	return strings.HasPrefix(o.From, "https://") || strings.HasPrefix(o.From, "http://")
}

// lockBeside locks a database's file, whose folder need not be there yet.
func lockBeside(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	return lock(path + ".lock")
}

// swapIn writes the database beside the old one, reads it back, and puts it in
// the old one's place.
func (c *compiler) swapIn(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name()) //nolint:errcheck // it failed already
		}
	}()
	if err := c.write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if _, err := open(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readLocal reads a folder or a zip.
func (c *compiler) readLocal(ctx context.Context, o UpdateOptions) error {
	if c.excerpt != nil {
		return c.readExcerpt(ctx, o)
	}
	info, err := os.Stat(o.From)
	if err != nil {
		return fmt.Errorf("no such source of advisories: %w", err)
	}
	if !info.IsDir() {
		src := Source{Ecosystem: strings.Join(o.Ecosystems, ", "), From: o.From}
		if err := c.readZip(ctx, o.From, &src, o); err != nil {
			return err
		}
		// One archive may hold several ecosystems; which ones shows what it
		// names.
		for _, e := range o.Ecosystems {
			if c.names(e) {
				s := src
				s.Ecosystem = e
				c.addSource(s, time.Time{})
			}
		}
		return nil
	}
	for _, e := range o.Ecosystems {
		src := Source{Ecosystem: e, From: o.From}
		archive := filepath.Join(o.From, e, "all.zip")
		if _, err := os.Stat(archive); err == nil {
			src.From = archive
			if err := c.readZip(ctx, archive, &src, o); err != nil {
				return err
			}
			c.addSource(src, time.Time{})
			continue
		}
		dir := filepath.Join(o.From, e)
		if _, err := os.Stat(dir); err != nil {
			dir = o.From
		}
		if err := c.readFolder(ctx, dir, &src, o); err != nil {
			return err
		}
		if src.Records == 0 || !c.names(e) {
			return fmt.Errorf("%s holds neither %s/all.zip nor records of %s: leave the ecosystem out with --ecosystem, or look at the folder", o.From, e, e)
		}
		c.addSource(src, time.Time{})
	}
	return nil
}

// names tells whether a record names a package of the ecosystem.
func (c *compiler) names(ecosystem string) bool {
	return slices.ContainsFunc(c.records, func(r record) bool {
		return slices.ContainsFunc(r.Affected, func(a affected) bool { return a.Ecosystem == ecosystem })
	})
}

func (c *compiler) addSource(s Source, asOf time.Time) {
	if s.AsOf = asOf; asOf.IsZero() {
		s.AsOf = s.Newest
	}
	c.meta.Sources = append(c.meta.Sources, s)
}

func (c *compiler) readFolder(ctx context.Context, dir string, src *Source, o UpdateOptions) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		o.Progress("reading "+src.Ecosystem, int64(i), int64(len(names)))
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if info.Size() > maxRecord {
			return fmt.Errorf("%s is of %d MB: no record is so large", name, info.Size()>>20)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		c.add(src, filepath.Base(name), data)
	}
	return nil
}

// readZip reads an archive of records. One that was cut off has no directory
// and is refused; one that was damaged fails a checksum and is too.
func (c *compiler) readZip(ctx context.Context, name string, src *Source, o UpdateOptions) error {
	z, err := zip.OpenReader(name)
	if err != nil {
		return fmt.Errorf("%s is not a whole zip archive: %w", name, err)
	}
	defer z.Close() //nolint:errcheck // read only
	if c.excerpt == nil && z.Comment == excerptComment {
		// Read as if it were all, it would call every other package clean.
		return fmt.Errorf("%s: %w by itself: it is read from its folder, with the %s that says what it is about", name, ErrExcerpt, excerptFile)
	}
	if len(z.File) > maxRecords {
		return fmt.Errorf("%s holds %d files, more than the %d that are read", name, len(z.File), maxRecords)
	}
	var unpacked uint64
	for i, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		o.Progress("reading "+src.Ecosystem, int64(i), int64(len(z.File)))
		data, err := unpack(f)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, f.Name, err)
		}
		if unpacked += uint64(len(data)); unpacked > maxUnpacked {
			return fmt.Errorf("%s unpacks to more than %d GB", name, maxUnpacked>>30)
		}
		c.add(src, f.Name, data)
	}
	return nil
}

func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if err == nil && len(data) > maxRecord {
		err = fmt.Errorf("unpacks to more than %d MB: no record is so large", maxRecord>>20)
	}
	return data, err
}

// DefaultPath is where the database of this user is.
func DefaultPath() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "pavise", "advisories.db"), nil
}
