package gateway

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be left alone before they are read again: an
// editor, and a certificate tool with its two files, take several steps.
const settle = 200 * time.Millisecond

// watch reloads when a watched file's content changes. It watches the folders, since
// editors and orchestrators replace files and links rather than write to
// them. The channel is closed when the watch has ended.
func (g *Gateway) watch(ctx context.Context) (<-chan struct{}, error) {
	done := make(chan struct{})
	files := append([]string(nil), g.options.Watch...)
	if g.cert != nil {
		files = append(files, g.cert.files.Cert, g.cert.files.Key)
	}
	if len(files) == 0 {
		close(done)
		return done, nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	for _, f := range files {
		if err := w.Add(filepath.Dir(f)); err != nil {
			_ = w.Close()
			return nil, fmt.Errorf("watching %s: %w", f, err)
		}
	}
	seen := digest(files)
	go func() {
		defer close(done)
		defer w.Close()
		timer := time.NewTimer(time.Hour)
		timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-w.Events:
				if !ok {
					return
				}
				timer.Reset(settle)
			case err, ok := <-w.Errors:
				if !ok {
					return
				}
				g.log.Warn("watching files", "error", err)
			case <-timer.C:
				if now := digest(files); now != seen {
					seen = now
					_ = g.Reload() // it has logged its error
				}
			}
		}
	}()
	return done, nil
}

// digest tells whether what the files say has changed.
func digest(files []string) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		data, err := os.ReadFile(f)
		_, _ = fmt.Fprintf(h, "%d %v\n", len(data), err != nil) // a hash takes everything
		h.Write(data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
