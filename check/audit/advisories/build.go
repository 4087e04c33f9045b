package advisories

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"
	"sort"
	"strings"
	"time"
)

// A compiler turns records into a database.
type compiler struct {
	ecosystems []string
	meta       Status
	records    []record
	byID       map[string]int
	flate      *flate.Writer
	excerpt    *excerptIndex // what the source is about; nil is everything
	keep       bool          // the bytes of every record, not of Go's alone
}

func newCompiler(ecosystems []string) *compiler {
	return &compiler{ecosystems: ecosystems, byID: map[string]int{}}
}

// add takes one file of a source. The name is for the report.
func (c *compiler) add(source *Source, name string, data []byte) {
	rec, lost, err := parseRecord(data)
	if err != nil {
		source.Unreadable = append(source.Unreadable, name+": "+err.Error())
		return
	}
	source.Records++
	for _, t := range []time.Time{rec.Modified, rec.Published} {
		if t.After(source.Newest) {
			source.Newest = t
		}
	}
	if rec.Withdrawn {
		source.Withdrawn++
		return
	}
	if c.keep || strings.HasPrefix(rec.ID, "GO-") {
		// Go's own analysis wants these as they are, and so does an excerpt.
		rec.raw = c.deflate(data)
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		source.Partial = append(source.Partial, rec.ID+": "+strings.Join(slices.Compact(lost), ", "))
	}
	if i, ok := c.byID[rec.ID]; ok {
		// The same record comes with each ecosystem that it names.
		if rec.Modified.After(c.records[i].Modified) {
			c.records[i] = rec
		}
		return
	}
	c.byID[rec.ID] = len(c.records)
	c.records = append(c.records, rec)
}

// groups joins records that name each other as aliases, directly or by way of
// another name: what was found once is reported once.
func (c *compiler) groups() (group []string, members map[string][]string, of map[string][]int) {
	parent := map[string]string{}
	find := func(id string) string {
		if _, ok := parent[id]; !ok {
			parent[id] = id
		}
		for parent[id] != id {
			parent[id] = parent[parent[id]] // halve the way for the next one
			id = parent[id]
		}
		return id
	}
	for i := range c.records {
		root := find(c.records[i].ID)
		for _, alias := range c.records[i].Aliases {
			if r := find(alias); r != root {
				parent[r] = root
			}
		}
	}
	members, of = map[string][]string{}, map[string][]int{}
	for id := range parent {
		root := find(id)
		members[root] = append(members[root], id)
	}
	for _, ids := range members {
		slices.SortFunc(ids, compareIDs)
	}
	group = make([]string, len(c.records))
	for i := range c.records {
		group[i] = find(c.records[i].ID)
		of[group[i]] = append(of[group[i]], i)
	}
	return group, members, of
}

// deflate compresses what is seldom read.
func (c *compiler) deflate(data []byte) []byte {
	var b bytes.Buffer
	if c.flate == nil {
		c.flate, _ = flate.NewWriter(&b, flate.BestSpeed) // the level is a valid one
	}
	c.flate.Reset(&b)
	c.flate.Write(data) //nolint:errcheck // a buffer takes all
	c.flate.Close()     //nolint:errcheck // a buffer takes all
	return b.Bytes()
}

// compareIDs puts first what people search for: the CVE, then GitHub's, then
// the ecosystems' own.
func compareIDs(a, b string) int {
	rank := func(id string) int {
		for i, prefix := range []string{"CVE-", "GHSA-", "GO-", "PYSEC-"} {
			if strings.HasPrefix(id, prefix) {
				return i
			}
		}
		return 4
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// write writes the database and returns what it holds.
func (c *compiler) write(out io.WriteSeeker) error {
	w := &counter{w: bufio.NewWriterSize(out, 1<<20)}
	w.Write(make([]byte, headerSize)) //nolint:errcheck // remembered by the counter
	// What is told of several aliases is the first one's that has it, which
	// must not depend on the order of a source's files.
	slices.SortFunc(c.records, func(a, b record) int { return strings.Compare(a.ID, b.ID) })
	group, members, of := c.groups()
	type place struct{ at, length int64 }
	places := make([]place, len(c.records))
	for i := range c.records {
		r := &c.records[i]
		a := Advisory{
			ID: r.ID, Names: members[group[i]], Summary: summary(r), URL: r.URL,
			Published: r.Published, Modified: r.Modified, Malicious: strings.HasPrefix(r.ID, "MAL-"), Rating: r.Rating,
		}
		for _, j := range of[group[i]] {
			o := &c.records[j]
			a.Severity = append(a.Severity, o.Severity...)
			for k := range o.Affected {
				a.Severity = append(a.Severity, o.Affected[k].Severity...)
			}
			if a.Rating == "" {
				a.Rating = o.Rating
			}
			a.Malicious = a.Malicious || strings.HasPrefix(o.ID, "MAL-")
		}
		slices.SortFunc(a.Severity, func(x, y Severity) int { return strings.Compare(x.Type+x.Score, y.Type+y.Score) })
		a.Severity = slices.Compact(a.Severity)
		text, err := json.Marshal(a)
		if err != nil {
			return err
		}
		at := w.n
		head := make([]byte, 0, recordHead)
		for _, part := range [][]byte{text, []byte(r.Details), r.raw} {
			head = binary.LittleEndian.AppendUint32(head, uint32(len(part)))
			head = binary.LittleEndian.AppendUint32(head, checksum(part))
		}
		w.Write(head)                //nolint:errcheck // remembered
		w.Write(text)                //nolint:errcheck // remembered
		io.WriteString(w, r.Details) //nolint:errcheck // remembered
		w.Write(r.raw)               //nolint:errcheck // remembered
		places[i] = place{at, w.n - at}
	}

	type ref struct {
		record int
		a      *affected
	}
	type pkg struct{ ecosystem, key string }
	packages := map[pkg][]ref{}
	for _, e := range c.ecosystems {
		for _, name := range c.excerpt.packages(e) {
			packages[pkg{e, name}] = nil
		}
	}
	for i := range c.records {
		for j := range c.records[i].Affected {
			a := &c.records[i].Affected[j]
			if slices.Contains(c.ecosystems, a.Ecosystem) {
				p := pkg{a.Ecosystem, nameKey(a.Ecosystem, a.Name)}
				if _, known := packages[p]; c.excerpt != nil && !known {
					// The record is here for another package: of this one,
					// other records may be missing.
					continue
				}
				packages[p] = append(packages[p], ref{i, a})
			}
		}
	}
	order := make([]pkg, 0, len(packages))
	for p := range packages {
		order = append(order, p)
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		if x, y := nameHash(a.ecosystem, a.key), nameHash(b.ecosystem, b.key); x != y {
			return x < y
		}
		return a.ecosystem+"\x00"+a.key < b.ecosystem+"\x00"+b.key
	})
	var table []byte
	for _, p := range order {
		e := &encoder{ecosystem: p.ecosystem}
		for _, r := range packages[p] {
			e.list(r.a)
		}
		e.begin(p.key, len(packages[p]))
		for _, r := range packages[p] {
			e.affected(r.a, places[r.record].at, places[r.record].length)
		}
		at := w.n
		w.Write(binary.LittleEndian.AppendUint32(nil, checksum(e.w.b))) //nolint:errcheck // remembered
		w.Write(e.w.b)                                                  //nolint:errcheck // remembered
		table = binary.LittleEndian.AppendUint64(table, nameHash(p.ecosystem, p.key))
		table = binary.LittleEndian.AppendUint64(table, uint64(at))
		table = binary.LittleEndian.AppendUint32(table, uint32(w.n-at))
	}
	for _, refs := range packages {
		if len(refs) > 0 {
			c.meta.Packages++
		}
	}
	c.meta.Advisories = len(c.records)
	c.meta.Excerpt = c.excerpt != nil
	meta, err := json.Marshal(c.meta)
	if err != nil {
		return err
	}
	h := header{excerpt: c.meta.Excerpt, tableAt: w.n, tableLen: int64(len(table)), tableSum: checksum(table)}
	w.Write(table) //nolint:errcheck // remembered
	h.metaAt, h.metaLen, h.metaSum = w.n, int64(len(meta)), checksum(meta)
	w.Write(meta) //nolint:errcheck // remembered
	h.size = w.n
	if w.err == nil {
		w.err = w.w.Flush()
	}
	if w.err != nil {
		return w.err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(out, bytes.NewReader(h.encode()))
	return err
}

// summary is the record's, or the first sentence of its details: PyPA's
// records have no summary.
func summary(r *record) string {
	text := r.Summary
	if text == "" {
		text, _, _ = strings.Cut(strings.TrimSpace(r.Details), "\n")
		if i := strings.Index(text, ". "); i > 0 {
			text = text[:i+1]
		}
	}
	const most = 240
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return text
}

// An encoder writes one package.
type encoder struct {
	ecosystem string
	w         writer
	keys      []string       // listed versions, sorted
	index     map[string]int // of keys
}

// list takes down the listed versions of one advisory, before begin.
func (e *encoder) list(a *affected) {
	for _, text := range a.Versions {
		if v, err := ParseVersion(e.ecosystem, text); err == nil {
			e.keys = append(e.keys, v.full)
		}
	}
}

func (e *encoder) begin(key string, advisories int) {
	slices.Sort(e.keys)
	e.keys = slices.Compact(e.keys)
	e.index = make(map[string]int, len(e.keys))
	e.w.text(e.ecosystem)
	e.w.text(key)
	e.w.number(len(e.keys))
	for i, k := range e.keys {
		e.index[k] = i
		e.w.text(k)
	}
	e.w.number(advisories)
}

// Flags of an advisory about a package.
const (
	flagUnreadable = 1 << iota // a range holds what cannot be compared
	flagNoRange                // neither versions nor ranges: the record says nothing we can compare
)

func (e *encoder) affected(a *affected, at, length int64) {
	e.w.number(int(at))
	e.w.number(int(length))
	var listed []int
	var odd []string
	for _, text := range a.Versions {
		if v, err := ParseVersion(e.ecosystem, text); err == nil {
			listed = append(listed, e.index[v.full])
		} else {
			odd = append(odd, text)
		}
	}
	slices.Sort(listed)
	listed = slices.Compact(listed)
	var ranges [][]bound
	flags := byte(0)
	for _, r := range a.Ranges {
		b, ok := e.bounds(r)
		if !ok {
			flags |= flagUnreadable
			continue
		}
		ranges = append(ranges, b)
	}
	if len(a.Versions) == 0 && len(a.Ranges) == 0 {
		flags |= flagNoRange
	}
	var custom [][]bound
	for _, r := range a.Custom {
		// Versions of the source's own, often not Go's: what cannot be
		// compared is left to the range beside it.
		if b, ok := e.bounds(r); ok {
			custom = append(custom, b)
		}
	}
	e.w.byte(flags)
	// Runs of listed versions: first, how many.
	var runs [][2]int
	for _, i := range listed {
		if n := len(runs); n > 0 && runs[n-1][0]+runs[n-1][1] == i {
			runs[n-1][1]++
		} else {
			runs = append(runs, [2]int{i, 1})
		}
	}
	e.w.number(len(runs))
	for _, r := range runs {
		e.w.number(r[0])
		e.w.number(r[1])
	}
	e.w.number(len(odd))
	for _, text := range odd {
		e.w.text(text)
	}
	e.ranges(ranges)
	e.ranges(custom)
}

func (e *encoder) ranges(ranges [][]bound) {
	e.w.number(len(ranges))
	for _, bounds := range ranges {
		e.w.number(len(bounds))
		for _, b := range bounds {
			kind := byte(b.kind)
			if b.local {
				kind |= localBound
			}
			e.w.byte(kind)
			e.w.text(b.key)
			e.w.text(b.text)
		}
	}
}

// bounds sorts a range's events into the order in which they count.
func (e *encoder) bounds(r osvRange) ([]bound, bool) {
	if r.Type == "?" {
		return nil, false
	}
	var out []bound
	for _, ev := range r.Events {
		b := bound{kind: ev.kind, text: ev.text}
		switch {
		case ev.kind == introduced && ev.text == "0":
			// Before every version, pre-releases of 0 included.
		case ev.kind == limit && ev.text == "*":
			continue // no limit
		default:
			v, err := ParseVersion(e.ecosystem, ev.text)
			if err != nil {
				return nil, false
			}
			b.key, b.local = v.full, v.full != v.key
		}
		out = append(out, b)
	}
	slices.SortStableFunc(out, func(a, b bound) int {
		if a.key != b.key {
			return strings.Compare(a.key, b.key)
		}
		return int(a.kind) - int(b.kind)
	})
	return out, true
}

// A counter counts what is written and remembers the first error.
type counter struct {
	w   *bufio.Writer
	n   int64
	err error
}

func (c *counter) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.err = err
	return n, err
}
