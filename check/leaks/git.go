package leaks

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// git looks at what is staged, or at all that was ever added. It reads the
// difference as git prints it, and keeps no more than the lines of one hunk.
func (r *runner) git(history bool) error {
	root := "."
	if len(r.o.Paths) > 0 {
		root = r.o.Paths[0]
	}
	// Nothing of the user's configuration changes how a difference reads, and
	// no program of his is run for it.
	args := []string{"-C", root, "-c", "core.quotePath=false", "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "-c", "color.ui=false"}
	shape := []string{"--no-color", "--no-ext-diff", "--no-textconv", "--unified=0", "--src-prefix=a/", "--dst-prefix=b/"}
	if history {
		args = append(append(args, "log", "--all", "--patch", "--full-history", "-m", "--format=commit %h"), shape...)
	} else {
		args = append(append(args, "diff", "--cached"), shape...)
	}
	cmd := exec.CommandContext(r.ctx, "git", args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return gitError(err, nil)
	}
	readErr := r.difference(out)
	if readErr != nil {
		// git waits for a reader.
		_, _ = io.Copy(io.Discard, out)
	}
	if err := cmd.Wait(); err != nil && r.ctx.Err() == nil {
		return gitError(err, complaint.Bytes())
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return readErr
}

var hunk = lazy(`^@@ -[0-9,]+ \+([0-9]+)`)

// maxHunk bounds the added lines that are looked at together.
const maxHunk = 4 << 20

// difference reads added lines, hunk by hunk. The same secret in the same file
// is reported once: merges repeat what they merge.
func (r *runner) difference(in io.Reader) error {
	var (
		reader       = bufio.NewReaderSize(in, 1<<20)
		commit, name string
		added        []byte
		line         int
		seen         = map[string]bool{}
	)
	flush := func() {
		if len(added) == 0 {
			return
		}
		if !IsBinary(added) && name != "" && !r.excluded(name) {
			for _, l := range r.scan.Scan(name, added) {
				l.Line += line - 1
				l.Commit = commit
				key := l.Rule + "\x00" + name + "\x00" + l.secret
				if !seen[key] {
					seen[key] = true
					r.report.Leaks = append(r.report.Leaks, l)
				}
			}
		}
		r.report.Bytes += int64(len(added))
		line += bytes.Count(added, []byte("\n"))
		added = added[:0]
	}
	inHeader := true
	for {
		text, err := readLine(reader)
		switch {
		case inHeader && bytes.HasPrefix(text, []byte("+++ ")), bytes.HasPrefix(text, []byte("+++ b/")) && inHeader:
			name = fileOf(string(text[4:]))
			r.report.Files++
		case bytes.HasPrefix(text, []byte("diff --git ")):
			flush()
			inHeader, name = true, ""
		case bytes.HasPrefix(text, []byte("commit ")) && len(text) > 7:
			flush()
			inHeader, name, commit = true, "", strings.TrimSpace(string(text[7:]))
		case bytes.HasPrefix(text, []byte("@@ ")):
			flush()
			inHeader = false
			if m := hunk().FindSubmatch(text); m != nil {
				line, _ = strconv.Atoi(string(m[1]))
			}
		case !inHeader && bytes.HasPrefix(text, []byte("+")):
			if len(added)+len(text) > maxHunk {
				flush()
			}
			added = append(added, text[1:]...)
		}
		if errors.Is(err, io.EOF) {
			flush()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLine reads a line of any length, and keeps what is before maxHunk.
func readLine(r *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(out)+len(part) <= maxHunk {
			out = append(out, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return out, err
		}
	}
}

// fileOf is the path after +++, which git quotes where it holds odd bytes.
func fileOf(s string) string {
	s = strings.TrimRight(s, "\r\n\t")
	if plain, err := strconv.Unquote(s); err == nil {
		s = plain
	}
	if s == "/dev/null" {
		return ""
	}
	return strings.TrimPrefix(s, "b/")
}
