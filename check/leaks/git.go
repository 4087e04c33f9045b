package leaks

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/finding"
)

// git looks at what is staged, or at all that was ever added. It reads the
// difference as git prints it, and keeps no more than the lines of one hunk.
func (r *runner) git(history bool) error {
	root := "."
	if len(r.o.Paths) > 0 {
		root = r.o.Paths[0]
	}
	r.roots = []string{"."} // git's paths are below it
	// Nothing of the user's configuration changes how a difference reads, and
	// no program of his is run for it.
	args := []string{"-C", root, "-c", "core.quotePath=false", "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "-c", "color.ui=false"}
	shape := []string{"--no-color", "--full-index", "--no-ext-diff", "--no-textconv", "--unified=0", "--src-prefix=a/", "--dst-prefix=b/"}
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
	d := &difference{runner: r, history: history, seen: map[string]bool{}, whole: map[blob]string{}, kept: map[string]kept{}}
	readErr := d.read(out)
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
	if readErr != nil {
		return readErr
	}
	if err := d.wholes(root); err != nil {
		return err
	}
	if history {
		d.gone(root)
	}
	return nil
}

var hunk = lazy.Regexp(`^@@ -[0-9,]+ \+([0-9]+)`)

// maxHunk bounds the added lines that are looked at together.
const maxHunk = 4 << 20

// A difference is what is gathered while git prints one.
type difference struct {
	*runner
	history bool
	// The commit and the file that are read, and the lines of its hunk.
	commit, name, id string
	added            []byte
	line             int
	// seen are leaks by rule, file and secret: the same secret in the same file
	// is reported once, for merges repeat what they merge.
	seen map[string]bool
	// whole are contents that git prints no lines of, and that are looked at as
	// a whole, with the first commit that has them: archives, and UTF-16.
	whole map[blob]string
	// kept are files of secrets, by their names.
	kept map[string]kept
}

// A blob is a content under a name.
type blob struct{ id, name string }

// kept says how a file of secrets was kept.
type kept struct {
	commit string
	key    bool
}

// flush looks at the added lines of a hunk.
func (d *difference) flush() {
	if len(d.added) == 0 {
		return
	}
	if !IsBinary(d.added) && d.name != "" && !d.excluded(d.name) {
		for _, l := range d.scan.Scan(d.name, d.added) {
			l.Line += d.line - 1
			l.Commit = d.commit
			d.leak(l)
		}
		d.secrets()
	}
	d.report.Bytes += int64(len(d.added))
	d.line += bytes.Count(d.added, []byte("\n"))
	d.added = d.added[:0]
}

func (d *difference) leak(l Leak) {
	key := l.Rule + "\x00" + l.Path + "\x00" + l.secret
	if !d.seen[key] {
		d.seen[key] = true
		d.report.Leaks = append(d.report.Leaks, l)
	}
}

// secrets notes a file of secrets. The history is read from its end, so that
// the last note is of the first commit.
func (d *difference) secrets() {
	switch base := path.Base(d.name); {
	case isEnv(base) && setting().Match(d.added):
		d.kept[d.name] = kept{commit: d.commit}
	case keyFile().MatchString(base) && !inTests(d.name) && bytes.Contains(d.added, []byte("PRIVATE KEY-----")):
		d.kept[d.name] = kept{commit: d.commit, key: true}
	}
}

// read reads added lines, hunk by hunk.
func (d *difference) read(in io.Reader) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	inHeader := true
	for {
		text, err := readLine(reader)
		switch {
		case inHeader && bytes.HasPrefix(text, []byte("+++ ")):
			d.name = fileOf(string(text[4:]))
			d.report.Files++
		case inHeader && bytes.HasPrefix(text, []byte("index ")):
			d.index(string(text[6:]))
		case inHeader && bytes.HasPrefix(text, []byte("rename to ")), inHeader && bytes.HasPrefix(text, []byte("copy to ")):
			_, to, _ := strings.Cut(string(text), " to ")
			if d.name = fileOf(to); isEnv(path.Base(d.name)) {
				d.kept[d.name] = kept{commit: d.commit}
			}
		case inHeader && bytes.HasPrefix(text, []byte("Binary files ")):
			d.binary()
		case bytes.HasPrefix(text, []byte("diff --git ")):
			d.flush()
			inHeader, d.name = true, headerName(strings.TrimRight(string(text[11:]), "\r\n"))
		case bytes.HasPrefix(text, []byte("commit ")) && len(text) > 7:
			d.flush()
			inHeader, d.name, d.commit = true, "", strings.TrimSpace(string(text[7:]))
		case bytes.HasPrefix(text, []byte("@@ ")):
			d.flush()
			inHeader = false
			if m := hunk().FindSubmatch(text); m != nil {
				d.line, _ = strconv.Atoi(string(m[1]))
			}
		case !inHeader && bytes.HasPrefix(text, []byte("+")):
			if len(d.added)+len(text) > maxHunk {
				d.flush()
			}
			d.added = append(d.added, text[1:]...)
		}
		if errors.Is(err, io.EOF) {
			d.flush()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// index is the line of the contents before and after, "old..new mode".
func (d *difference) index(line string) {
	_, id, _ := strings.Cut(line, "..")
	d.id, _, _ = strings.Cut(strings.TrimSpace(id), " ")
	if d.o.Depth > 0 && archiveKind(d.name) != "" {
		d.note()
	}
}

// textual are names of what people write, which may be UTF-16: git takes that
// for binary.
var textual = lazy.Regexp(`(?i)\.(?:txt|csv|tsv|ps1|psm1|psd1|reg|sql|ini|inf|cfg|conf|config|env|json|xml|ya?ml|toml|properties|py|cs|vb|js|ts|log|md|bat|cmd|sh)$|(?:^|/)\.env[^/]*$`)

// binary is a file of which git prints no lines.
func (d *difference) binary() {
	switch {
	case strings.Trim(d.id, "0") == "", d.o.Depth > 0 && archiveKind(d.name) != "":
	case textual().MatchString(d.name):
		d.note()
	default:
		d.report.Binary++
	}
}

func (d *difference) note() {
	if strings.Trim(d.id, "0") != "" && !d.excluded(d.name) {
		d.whole[blob{d.id, d.name}] = d.commit
	}
}

// wholes looks at what was noted.
func (d *difference) wholes(root string) error {
	all := slices.SortedFunc(maps.Keys(d.whole), func(a, b blob) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.id, b.id))
	})
	if len(all) == 0 {
		return nil
	}
	var ask bytes.Buffer
	for _, a := range all {
		ask.WriteString(a.id + "\n")
	}
	cmd := exec.CommandContext(d.ctx, "git", "-C", root, "cat-file", "--batch")
	cmd.Stdin = &ask
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return gitError(err, nil)
	}
	reader := bufio.NewReaderSize(out, 1<<20)
	for _, a := range all {
		if err := d.one(reader, a); err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return cmp.Or(d.ctx.Err(), gitError(err, nil))
		}
	}
	return cmd.Wait()
}

// one looks at the next content that git prints: "id blob size", the content,
// and a line's end.
func (d *difference) one(in *bufio.Reader, a blob) error {
	head, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	words := strings.Fields(head)
	if len(words) != 3 || words[1] != "blob" {
		d.unknown(a.name, fmt.Errorf("%s of commit %s is not in the repository", a.id[:min(len(a.id), 12)], d.whole[a]))
		return nil
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return err
	}
	if size > maxInner {
		d.unknown(a.name, fmt.Errorf("of commit %s: %w", d.whole[a], errTooLarge))
		_, err := io.CopyN(io.Discard, in, size+1)
		return err
	}
	data := make([]byte, size+1)
	if _, err := io.ReadFull(in, data); err != nil {
		return err
	}
	var found []Leak
	if archiveKind(a.name) == "" {
		found, err = d.pieces(a.name, bytes.NewReader(data[:size]))
	} else {
		found, err = d.unpack(a.name, bytes.NewReader(data[:size]), size, d.o.Depth, &budget{maxArchive})
	}
	if err != nil {
		d.unknown(a.name, fmt.Errorf("of commit %s could not be looked at as a whole: %w", d.whole[a], err))
	}
	for _, l := range found {
		l.Commit = d.whole[a]
		d.leak(l)
	}
	return d.ctx.Err()
}

// gone reports files of secrets that git tracked once: the history has them,
// though the folder has not. What is tracked still is for who looks at the
// folder.
func (d *difference) gone(root string) {
	if len(d.kept) == 0 {
		return
	}
	out, _ := exec.CommandContext(d.ctx, "git", "-C", root, "ls-files", "-z", "--full-name", ":/").Output() // nothing, where there is no work tree
	for name := range bytes.SplitSeq(out, []byte{0}) {
		delete(d.kept, string(name))
	}
	for _, name := range slices.Sorted(maps.Keys(d.kept)) {
		k := d.kept[name]
		f := finding.Finding{Rule: "leaks/" + ruleEnvHistory, Where: name, Severity: finding.High, Refs: References("leaks/" + ruleEnvHistory),
			Problem: path.Base(name) + " was tracked by git, from commit " + k.commit + " on: the history has it",
			Fix:     "replace what it holds: taking it out does not take it out of the history"}
		if k.key {
			f.Rule, f.Severity = "leaks/"+ruleKeyHistory, finding.Critical
		}
		d.report.Hygiene = append(d.report.Hygiene, f)
	}
}

// headerName is the path of "a/x b/x", where both are the same: of other
// files a line of its own says the new one.
func headerName(s string) string {
	half := s[len(s)/2:]
	if strings.HasPrefix(half, " ") {
		return fileOf(half[1:])
	}
	return ""
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
