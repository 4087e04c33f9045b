package analysis

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A Source is a file of a project, its path below the project's top.
type Source struct {
	Path string
	Data []byte
}

// An Unread is what could not be read of a file.
type Unread struct {
	Path    string
	Line    int // 0 is the whole of it
	Problem string
}

// Wanted tells whether a file is one that is looked at, by its name.
func Wanted(name string) bool {
	switch path.Ext(name) {
	case ".py", ".go":
		return true
	}
	return deploy.Kind(name) != ""
}

// Load reads the files of a project. What cannot be parsed is told; of a file
// of Python or Go, the rest of it is looked at.
func Load(ctx context.Context, sources []Source, names []string) (*Project, []Unread) {
	python := make([]*pyast.File, len(sources))
	golang := make([]*gomodel.File, len(sources))
	problems := make([][]Unread, len(sources))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var reader pyast.Reader
			for i := range next {
				s := sources[i]
				switch path.Ext(s.Path) {
				case ".py":
					python[i], problems[i] = readPython(&reader, s)
				case ".go":
					var err error
					if golang[i], err = gomodel.Parse(s.Path, s.Data); err != nil {
						first, _, _ := strings.Cut(err.Error(), "\n")
						problems[i] = append(problems[i], Unread{Path: s.Path, Problem: strings.TrimPrefix(first, s.Path+":")})
					}
				}
			}
		})
	}
	for i := range sources {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	var py []pymodel.Source
	var gofiles []*gomodel.File
	var others []deploy.Source
	for i, s := range sources {
		switch {
		case python[i] != nil:
			py = append(py, pymodel.Source{Path: s.Path, File: python[i]})
		case golang[i] != nil:
			gofiles = append(gofiles, golang[i])
		case path.Ext(s.Path) != ".py" && path.Ext(s.Path) != ".go":
			others = append(others, deploy.Source{Path: s.Path, Data: s.Data})
		}
	}
	unread := slices.Concat(problems...)
	p := &Project{}
	wg.Go(func() { p.Python = pymodel.New(py) })
	wg.Go(func() { p.Go = gomodel.New(gofiles) })
	d, errs := deploy.New(others, names)
	p.Deploy = d
	for _, e := range errs {
		unread = append(unread, Unread{Path: e.Path, Problem: e.Err.Error()})
	}
	wg.Wait()
	slices.SortFunc(unread, func(a, b Unread) int { return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line) })
	return p, unread
}

func readPython(r *pyast.Reader, s Source) (*pyast.File, []Unread) {
	f, err := r.Parse(s.Data)
	if err != nil {
		return nil, []Unread{{Path: s.Path, Problem: err.Error()}}
	}
	var out []Unread
	for i, e := range f.Errors {
		line, _ := f.Position(e.Offset)
		if i == 3 {
			out = append(out, Unread{s.Path, line, fmt.Sprintf("and %d more", len(f.Errors)-i)})
			break
		}
		out = append(out, Unread{s.Path, line, e.Message})
	}
	return f, out
}
