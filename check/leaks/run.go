package leaks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/check/internal/tree"
	"github.com/pavise-dev/pavise/finding"
)

// Options say what to look at.
type Options struct {
	// Paths are files and folders; none means the current folder. In a folder
	// of a git repository, what git ignores is passed over.
	Paths []string
	// Exclude are names and paths below a folder that are passed over, as
	// patterns of [path.Match].
	Exclude []string
	// Staged looks at what is about to be committed, and nothing else.
	Staged bool
	// History looks at all that was ever added, on every branch.
	History bool
	// Stdin is looked at in place of files; nil means not.
	Stdin io.Reader
	// Depth of archives that are looked into: 0 means none, 1 an archive, 2 an
	// archive in an archive.
	Depth int
	// Baseline holds leaks that are known; nil means none.
	Baseline *Baseline
	// Verify sends each secret that the baseline does not hold to the provider
	// that issued it, to ask whether it is live.
	Verify bool
	// VerifyAt are addresses of providers, for tests: loopback only.
	VerifyAt map[string]string

	askTimeout time.Duration // of a question; 0 is the default
}

// A Report is what was found.
type Report struct {
	Leaks    []Leak
	Hygiene  []finding.Finding
	Unknowns []finding.Unclear
	// Files and Bytes that were looked at, and Binary files that were not.
	Files, Binary int
	Bytes         int64
	// Known are leaks that the baseline holds.
	Known int
	// Verdicts counts leaks by what their providers said; nil where nobody was
	// asked.
	Verdicts map[finding.Verdict]int
}

// Findings are the leaks, and what is wrong with how secrets are kept, by
// place.
func (r *Report) Findings() []finding.Finding {
	var out []finding.Finding
	for i := range r.Leaks {
		out = append(out, r.Leaks[i].Finding())
	}
	return append(out, r.Hygiene...)
}

// maxFile bounds a file that is read as a whole; a larger one is read in
// pieces that overlap.
const (
	maxFile = 8 << 20
	overlap = 64 << 10
)

// Run looks. Its error is about the options, or about git.
func Run(ctx context.Context, o Options) (*Report, error) {
	if p, bad := tree.BadPattern(o.Exclude); bad {
		return nil, fmt.Errorf("exclude %q is no pattern: %w", p, path.ErrBadPattern)
	}
	r := &runner{ctx: ctx, o: o, scan: NewScanner()}
	var err error
	switch {
	case o.Stdin != nil:
		r.report.Leaks = r.read("standard input", o.Stdin)
	case o.Staged:
		err = r.git(false)
	case o.History:
		err = r.git(true)
	default:
		err = r.tree()
	}
	if err != nil {
		return nil, err
	}
	if o.Baseline != nil {
		before := len(r.report.Leaks)
		r.report.Leaks = slices.DeleteFunc(r.report.Leaks, o.Baseline.Holds)
		r.report.Known = before - len(r.report.Leaks)
	}
	if o.Verify {
		if err := r.verify(); err != nil {
			return nil, err
		}
	}
	return &r.report, nil
}

type runner struct {
	ctx    context.Context
	o      Options
	scan   *Scanner
	roots  []string // folders that are looked at, by which a file's own path is told
	mu     sync.Mutex
	report Report
}

func (r *runner) unknown(name string, err error) {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Unknowns = append(r.report.Unknowns, finding.Unclear{Where: name, Problem: err.Error()})
}

// tree looks at files, several at a time, and reports in the order of their
// names.
func (r *runner) tree() error {
	paths := r.o.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var names []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			// A link that is named is meant.
			if link, err := os.Lstat(p); err == nil && link.Mode()&os.ModeSymlink != 0 {
				if p, err = filepath.EvalSymlinks(p); err != nil {
					return err
				}
			}
			names = append(names, p)
			continue
		}
		r.roots = append(r.roots, filepath.Clean(p))
		found, err := r.list(p)
		if err != nil {
			return err
		}
		names = append(names, found...)
		r.hygiene(p, found)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	results := make([][]Leak, len(names))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				results[i] = r.file(names[i])
			}
		})
	}
	for i := range names {
		if r.ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for _, found := range results {
		r.report.Leaks = append(r.report.Leaks, found...)
	}
	slices.SortStableFunc(r.report.Unknowns, func(a, b finding.Unclear) int { return strings.Compare(a.Where, b.Where) })
	return nil
}

// file looks at one. A link is not followed: it may lead out of the tree, and
// what it leads to within is looked at where it is.
func (r *runner) file(name string) []Leak {
	info, err := os.Lstat(name)
	if err != nil {
		r.unknown(filepath.ToSlash(name), err)
		return nil
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		r.unknown(filepath.ToSlash(name), err)
		return nil
	}
	defer f.Close()
	if r.o.Depth > 0 && archiveKind(name) != "" {
		return r.archive(filepath.ToSlash(name), f, info.Size())
	}
	return r.read(filepath.ToSlash(name), f)
}

// below is a file's path below the folder that was asked for: that this is in
// a folder called tests says nothing of the file.
func (r *runner) below(name string) string {
	for _, root := range r.roots {
		if rel, err := filepath.Rel(root, filepath.FromSlash(name)); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(name)
}

// read looks at what can be read, and says where that ends.
func (r *runner) read(name string, in io.Reader) []Leak {
	found, err := r.pieces(name, in)
	if err != nil {
		r.unknown(name, err)
	}
	return found
}

// pieces looks at a file of any size in constant memory. Pieces overlap, so
// that a secret at the end of one is whole in the next.
func (r *runner) pieces(name string, in io.Reader) ([]Leak, error) {
	var out []Leak
	buffer := make([]byte, 0, 64<<10)
	line := 0 // of the first byte in the buffer, from 0
	for first := true; ; first = false {
		n, err := fill(in, &buffer)
		if first && err == nil && isUTF16(buffer) {
			in = fromUTF16(io.MultiReader(bytes.NewReader(bytes.Clone(buffer[2:])), in), buffer[0] == 0xff)
			buffer = buffer[:0]
			n, err = fill(in, &buffer)
		}
		r.mu.Lock()
		r.report.Bytes += int64(n)
		r.mu.Unlock()
		if err != nil {
			return out, err
		}
		whole := len(buffer) < maxFile
		if first {
			if IsBinary(buffer) {
				r.mu.Lock()
				r.report.Binary++
				r.mu.Unlock()
				return out, nil
			}
			r.mu.Lock()
			r.report.Files++
			r.mu.Unlock()
		}
		for _, l := range r.scan.Scan(r.below(name), buffer) {
			l.Path = name
			l.Line += line
			if !slices.ContainsFunc(out[max(0, len(out)-1000):], func(o Leak) bool { return o.Line == l.Line && o.Rule == l.Rule && o.secret == l.secret }) {
				out = append(out, l)
			}
		}
		if whole {
			return out, nil
		}
		// The overlap begins with a line, if there is one.
		keep := len(buffer) - overlap
		if i := bytes.IndexByte(buffer[keep:], '\n'); i >= 0 {
			keep += i + 1
		}
		line += bytes.Count(buffer[:keep], []byte("\n"))
		buffer = append(buffer[:0], buffer[keep:]...)
	}
}

// fill reads until the buffer holds maxFile bytes, or all.
func fill(in io.Reader, buffer *[]byte) (n int, err error) {
	for len(*buffer) < maxFile {
		if len(*buffer) == cap(*buffer) {
			*buffer = slices.Grow(*buffer, min(len(*buffer), maxFile-len(*buffer))+1)
		}
		end := min(cap(*buffer), maxFile)
		m, err := in.Read((*buffer)[len(*buffer):end])
		*buffer = (*buffer)[:len(*buffer)+m]
		n += m
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// ErrGit says that git could not be asked.
var ErrGit = errors.New("git could not be asked")

func gitError(err error, output []byte) error {
	line, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	return fmt.Errorf("%w: %w: %.200s", ErrGit, err, line)
}
