package advisories

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A download is what is known of an archive that was fetched, whole or in
// part. It lies beside the archive as JSON.
type download struct {
	URL    string `json:"url"`
	ETag   string `json:"etag,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // of a whole one
}

// fetchAll fetches and reads one archive an ecosystem.
func (c *compiler) fetchAll(ctx context.Context, dir string, o UpdateOptions) error {
	base, err := url.Parse(o.From)
	if err != nil || base.Host == "" {
		return fmt.Errorf("--from %q is not an address", redact(o.From))
	}
	client := o.Client
	if client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.ResponseHeaderTimeout = 30 * time.Second
		transport.DialContext = (&net.Dialer{Timeout: 15 * time.Second}).DialContext
		client = &http.Client{Transport: transport}
	}
	for _, e := range o.Ecosystems {
		from := base.JoinPath(e, "all.zip")
		if strings.HasSuffix(base.Path, ".zip") {
			from = base
		}
		archive := filepath.Join(dir, e+".zip")
		started := o.Now().UTC()
		d, err := fetch(ctx, client, from.String(), archive, func(done, total int64) { o.Progress("fetching "+e, done, total) })
		if err != nil {
			return fmt.Errorf("%s: %w", redact(from.String()), err)
		}
		src := Source{Ecosystem: e, From: redact(from.String()), ETag: d.ETag, SHA256: d.SHA256}
		if err := c.readZip(ctx, archive, &src, o); err != nil {
			// What came is no archive: not to be kept as one.
			os.Remove(archive)           //nolint:errcheck // the error above counts
			os.Remove(archive + ".json") //nolint:errcheck // the error above counts
			return err
		}
		if !c.names(e) {
			return fmt.Errorf("%s holds no record of %s", redact(from.String()), e)
		}
		c.addSource(src, started)
	}
	return nil
}

// redact is the address without what could be a credential in it.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address"
	}
	u.RawQuery, u.Fragment = "", ""
	if u.User != nil {
		u.User = url.User("****")
	}
	return strings.Replace(u.String(), "%2A%2A%2A%2A", "****", 1)
}

// fetch brings an archive up to date. What a fetch that was cut off left is
// continued, if the source still has the same.
func fetch(ctx context.Context, client *http.Client, from, archive string, progress func(done, total int64)) (download, error) {
	have, part := readDownload(archive, from), readDownload(archive+".part", from)
	for attempt := 0; ; attempt++ {
		d, err := fetchOnce(ctx, client, from, archive, have, part, progress)
		var again *restartError
		if !errors.As(err, &again) || attempt == 2 {
			return d, err
		}
		os.Remove(archive + ".part")      //nolint:errcheck // begun anew
		os.Remove(archive + ".part.json") //nolint:errcheck // begun anew
		part = download{}
	}
}

// restartError says that what was kept of a download is of no use.
type restartError struct{ why string }

func (e *restartError) Error() string { return e.why }

func fetchOnce(ctx context.Context, client *http.Client, from, archive string, have, part download, progress func(done, total int64)) (download, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return download{}, errors.New("is not an address that can be asked")
	}
	req.Header.Set("User-Agent", "pavise")
	// The archive as it is: a transport that unpacks would break ranges.
	req.Header.Set("Accept-Encoding", "identity")
	var offset int64
	if part.ETag != "" {
		if info, err := os.Stat(archive + ".part"); err == nil && info.Size() > 0 {
			offset = info.Size()
			req.Header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
			req.Header.Set("If-Range", part.ETag)
		}
	}
	if offset == 0 && have.ETag != "" {
		req.Header.Set("If-None-Match", have.ETag)
	}
	resp, err := client.Do(req)
	if err != nil {
		var u *url.Error // its text holds the whole address
		if errors.As(err, &u) {
			err = u.Err
		}
		return download{}, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && offset == 0 && have.ETag != "":
		return have, nil
	case resp.StatusCode == http.StatusPartialContent && offset > 0:
		if at := contentRangeStart(resp.Header.Get("Content-Range")); at != offset {
			return download{}, &restartError{"the source went on at another place"}
		}
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && offset > 0:
		return download{}, &restartError{"the source has less than was fetched before"}
	case resp.StatusCode == http.StatusOK:
		offset = 0
	default:
		return download{}, fmt.Errorf("the source answers %s", resp.Status)
	}
	total := int64(0)
	if resp.ContentLength >= 0 {
		total = offset + resp.ContentLength
	}
	if total > maxArchive {
		return download{}, fmt.Errorf("the archive is of %d MB, more than the %d that are read", total>>20, maxArchive>>20)
	}
	d := download{URL: from}
	if tag := resp.Header.Get("ETag"); !strings.HasPrefix(tag, "W/") { // a weak one allows no ranges (RFC 9110, section 13.1.5)
		d.ETag = tag
	}
	f, err := os.OpenFile(archive+".part", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return download{}, err
	}
	defer f.Close()
	if err := f.Truncate(offset); err != nil {
		return download{}, err
	}
	if err := writeJSON(archive+".part.json", d); err != nil {
		return download{}, err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil { // and so to the end
		return download{}, err
	}
	done := offset
	n, err := io.Copy(io.MultiWriter(f, hash, writerFunc(func(n int) {
		done += int64(n)
		progress(done, total)
	})), io.LimitReader(resp.Body, maxArchive-offset+1))
	if err == nil && offset+n > maxArchive {
		return download{}, fmt.Errorf("the archive has more than %d MB", maxArchive>>20)
	}
	if err != nil {
		return download{}, fmt.Errorf("the download broke off after %d bytes; the next update goes on from there: %w", offset+n, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return download{}, err
	}
	d.SHA256 = hex.EncodeToString(hash.Sum(nil))
	// The archive first: a description without one counts for nothing, and
	// one of another archive would be believed.
	os.Remove(archive + ".json") //nolint:errcheck // may be absent
	if err := os.Rename(archive+".part", archive); err != nil {
		return download{}, err
	}
	os.Remove(archive + ".part.json") //nolint:errcheck // of no use any more
	return d, writeJSON(archive+".json", d)
}

// contentRangeStart reads "bytes 100-199/200"; -1 means that it is not so.
func contentRangeStart(s string) int64 {
	s, ok := strings.CutPrefix(s, "bytes ")
	first, _, found := strings.Cut(s, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	if !ok || !found || err != nil {
		return -1
	}
	return n
}

// readDownload reads what is known of a file, if the file is there.
func readDownload(file, from string) download {
	var d download
	data, err := os.ReadFile(file + ".json")
	if err != nil || json.Unmarshal(data, &d) != nil || d.URL != from {
		return download{}
	}
	if _, err := os.Stat(file); err != nil {
		return download{}
	}
	return d
}

func writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// writerFunc counts what passes.
type writerFunc func(n int)

func (f writerFunc) Write(p []byte) (int, error) {
	f(len(p))
	return len(p), nil
}
