package leaks

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxArchive bounds what is unpacked of one archive, and maxInner an archive
// within one, which is held in memory.
const (
	maxArchive = 1 << 30
	maxInner   = 64 << 20
)

// archiveKind tells archives by their names: zip, tar, tgz, tbz, or other,
// which is one that is not looked into. Empty means that it is none.
func archiveKind(name string) string {
	n := strings.ToLower(name)
	for _, of := range [...]struct {
		kind string
		ends []string
	}{
		{"tgz", []string{".tar.gz", ".tgz", ".crate"}},
		{"tbz", []string{".tar.bz2", ".tbz2", ".tbz"}},
		{"tar", []string{".tar", ".gem"}},
		{"zip", []string{".zip", ".whl", ".jar", ".egg", ".war", ".ear", ".aar", ".nupkg", ".vsix", ".xpi", ".apk", ".ipa", ".conda"}},
		{"other", []string{".tar.xz", ".txz", ".tar.zst", ".tar.lz4", ".7z", ".rar"}},
	} {
		for _, end := range of.ends {
			if strings.HasSuffix(n, end) {
				return of.kind
			}
		}
	}
	return ""
}

// budget is what may still be unpacked: a few bytes may stand for many.
type budget struct{ left int64 }

var (
	errTooLarge = errors.New("unpacks to more than is looked at")
	errKind     = errors.New("is an archive of a kind that is not looked into")
	errTooDeep  = errors.New("is an archive deeper in others than was asked for")
	errLocked   = errors.New("is encrypted")
)

func (b *budget) reader(in io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if b.left <= 0 {
			return 0, errTooLarge
		}
		n, err := in.Read(p)
		b.left -= int64(n)
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// archive looks at what is in one. The files in it are called
// "archive.zip!path".
func (r *runner) archive(name string, f *os.File, size int64) []Leak {
	b := &budget{maxArchive}
	found, err := r.unpack(name, f, size, r.o.Depth, b)
	if err != nil {
		r.unknown(name, fmt.Errorf("could not be looked at as a whole: %w", err))
	}
	return found
}

type archiveReader interface {
	io.Reader
	io.ReaderAt
}

func (r *runner) unpack(name string, f archiveReader, size int64, depth int, b *budget) (out []Leak, err error) {
	each := func(inner string, in io.Reader) error {
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		shown := name + "!" + inner
		in = b.reader(in)
		if archiveKind(inner) != "" {
			if depth <= 1 {
				r.unknown(shown, errTooDeep)
				return nil
			}
			data, err := io.ReadAll(io.LimitReader(in, maxInner+1))
			if err != nil || len(data) > maxInner {
				return errors.Join(err, fmt.Errorf("%s: %w", inner, errTooLarge))
			}
			found, err := r.unpack(shown, bytes.NewReader(data), int64(len(data)), depth-1, b)
			out = append(out, found...)
			if err != nil && !errors.Is(err, errTooLarge) && r.ctx.Err() == nil {
				r.unknown(shown, err) // which is no reason to leave out what stands beside it
				return nil
			}
			return err
		}
		found, err := r.pieces(shown, in)
		out = append(out, found...)
		return err
	}
	switch archiveKind(name) {
	case "zip":
		z, err := zip.NewReader(f, size)
		if err != nil {
			return nil, err
		}
		for _, e := range z.File {
			if !e.Mode().IsRegular() {
				continue
			}
			if e.Flags&1 != 0 {
				r.unknown(name+"!"+e.Name, errLocked)
				continue
			}
			in, err := e.Open()
			if err != nil {
				r.unknown(name+"!"+e.Name, err)
				continue
			}
			err = each(e.Name, in)
			in.Close()
			if err != nil {
				return out, err
			}
		}
		return out, nil
	case "tgz":
		in, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		defer in.Close() //nolint:errcheck // read only
		err = tarball(b.reader(in), each)
		return out, err
	case "tbz":
		err = tarball(b.reader(bzip2.NewReader(f)), each)
		return out, err
	case "other":
		return nil, errKind
	}
	err = tarball(f, each)
	return out, err
}

func tarball(in io.Reader, each func(string, io.Reader) error) error {
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := each(h.Name, t); err != nil {
			return err
		}
	}
}
