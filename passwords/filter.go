package passwords

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the lists of breached passwords are of SHA-1
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/pavise-dev/pavise/secret"
)

// A Filter tells which passwords were found in breaches, from one file and
// without a network. It holds the first 40 bits of the SHA-1 of each, sorted: a
// password that is not in it is found all the same in one case of 2^40 for each
// entry, one in a thousand for a list of a billion. It never misses one.
//
// The file is read by ranges as it is asked, so a large one takes no memory.
type Filter struct {
	file    io.ReaderAt
	closer  io.Closer
	entries int64
	buckets [257]uint64 // entries before each first byte
}

const (
	filterMagic = "pavise breach filter 1\n"
	entrySize   = 4 // bytes of an entry behind the first, which is its bucket
	filterHead  = len(filterMagic) + 8 + sha256.Size + 256*8
)

// OpenFilter opens a file that [BuildFilter] wrote. A file that is cut or whose
// head is damaged is refused.
func OpenFilter(path string) (*Filter, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("passwords: %w", err)
	}
	filter, err := readFilter(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("passwords: %s: %w", path, err)
	}
	return filter, nil
}

func readFilter(f *os.File) (*Filter, error) {
	head := make([]byte, filterHead)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:len(filterMagic)]) != filterMagic {
		return nil, errors.New("is no breach filter; pavise password build-filter makes one")
	}
	rest := head[len(filterMagic):]
	filter := &Filter{file: f, closer: f, entries: int64(binary.BigEndian.Uint64(rest))}
	counts := rest[8+sha256.Size:]
	if sum := sha256.Sum256(append(bytes.Clone(rest[:8]), counts...)); !bytes.Equal(sum[:], rest[8:8+sha256.Size]) {
		return nil, errors.New("the head of the breach filter is damaged; build it again")
	}
	var total uint64
	for i := range 256 {
		filter.buckets[i] = total
		total += binary.BigEndian.Uint64(counts[8*i:])
	}
	filter.buckets[256] = total
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if int64(total) != filter.entries || info.Size() != int64(filterHead)+filter.entries*entrySize {
		return nil, fmt.Errorf("the breach filter is cut: %d bytes for %d entries; build it again", info.Size(), filter.entries)
	}
	return filter, nil
}

// Len is how many passwords the filter holds.
func (f *Filter) Len() int64 { return f.entries }

// Close closes the file.
func (f *Filter) Close() error { return f.closer.Close() }

// Contains reports whether the password is in the filter. It looks in the file
// some twenty times.
func (f *Filter) Contains(password secret.String) (bool, error) {
	sum := sha1.Sum([]byte(password.Expose())) //nolint:gosec // see above
	want := sum[1 : 1+entrySize]
	low, high := f.buckets[sum[0]], f.buckets[int(sum[0])+1]
	var entry [entrySize]byte
	var readErr error
	at := sort.Search(int(high-low), func(i int) bool {
		if _, err := f.file.ReadAt(entry[:], int64(filterHead)+int64(low+uint64(i))*entrySize); err != nil && readErr == nil {
			readErr = err
		}
		return bytes.Compare(entry[:], want) >= 0
	})
	if readErr != nil {
		return false, fmt.Errorf("passwords: reading the breach filter: %w", readErr)
	}
	if low+uint64(at) == high {
		return false, nil
	}
	if _, err := f.file.ReadAt(entry[:], int64(filterHead)+int64(low+uint64(at))*entrySize); err != nil {
		return false, fmt.Errorf("passwords: reading the breach filter: %w", err)
	}
	return bytes.Equal(entry[:], want), nil
}

// BuildFilter writes a filter of the passwords in files of the kinds that Have
// I Been Pwned gives: whole hashes (40 hexadecimal digits, and a count behind
// a colon), or the files of one range each, named by their first five digits,
// with the other 35 in their lines. A folder is read with all files in it.
// Passwords seen less often than atLeast are left out.
//
// It returns how many were taken. A line that cannot be read is an error that
// names it. The file is put in its place when it is whole.
func BuildFilter(path string, atLeast int, sources ...string) (int64, error) {
	var buckets [256][]uint32
	for _, source := range sources {
		err := filepath.WalkDir(source, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return readRanges(name, atLeast, &buckets)
		})
		if err != nil {
			return 0, fmt.Errorf("passwords: %w", err)
		}
	}
	var total int64
	counts := make([]byte, 256*8)
	for i := range buckets {
		slices.Sort(buckets[i])
		buckets[i] = slices.Compact(buckets[i])
		binary.BigEndian.PutUint64(counts[8*i:], uint64(len(buckets[i])))
		total += int64(len(buckets[i]))
	}
	if total == 0 {
		return 0, errors.New("passwords: there is no hash in these files")
	}
	head := binary.BigEndian.AppendUint64(nil, uint64(total))
	sum := sha256.Sum256(append(bytes.Clone(head), counts...))
	err := replaceFile(path, func(w io.Writer) error {
		for _, part := range [][]byte{[]byte(filterMagic), head, sum[:], counts} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		for _, bucket := range buckets {
			for _, e := range bucket {
				if _, err := w.Write(binary.BigEndian.AppendUint32(nil, e)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("passwords: %w", err)
	}
	return total, nil
}

// readRanges reads one file.
func readRanges(name string, atLeast int, buckets *[256][]uint32) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	// A range's file is named by the digits that its lines lack.
	prefix, _, _ := strings.Cut(filepath.Base(name), ".")
	if _, err := hex.DecodeString(prefix + "0"); err != nil || len(prefix) != 5 {
		prefix = ""
	}
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		digits, count, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff")), ":")
		if digits == "" {
			continue
		}
		if len(digits) == 35 {
			digits = prefix + digits
		}
		sum, err := hex.DecodeString(digits)
		if err != nil || len(sum) != sha1.Size {
			return fmt.Errorf("%s:%d: want 40 hexadecimal digits of SHA-1, or 35 in a file named by the first five", name, n)
		}
		seen := 1
		if count != "" {
			if _, err := fmt.Sscan(count, &seen); err != nil {
				return fmt.Errorf("%s:%d: what stands behind the colon is no count", name, n)
			}
		}
		// A count of 0 is padding, which the service adds.
		if seen < max(atLeast, 1) {
			continue
		}
		buckets[sum[0]] = append(buckets[sum[0]], binary.BigEndian.Uint32(sum[1:]))
	}
	return scanner.Err()
}

// replaceFile puts a new file in the place of path, or leaves the old one.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
