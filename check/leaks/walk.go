package leaks

import (
	"path"
	"path/filepath"

	"github.com/pavise-dev/pavise/check/internal/tree"
)

// list names the files below a folder.
func (r *runner) list(root string) ([]string, error) {
	l, err := tree.Files(r.ctx, root, r.o.Exclude, func(name string, err error) {
		r.unknown(path.Join(filepath.ToSlash(root), name), err)
	})
	var names []string
	for _, name := range l.Files {
		names = append(names, filepath.Join(root, filepath.FromSlash(name)))
	}
	return names, err
}

func (r *runner) excluded(rel string) bool { return tree.Excluded(rel, r.o.Exclude) }
