package audit

import (
	"context"
	"encoding/csv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/audit/internal/pyimport"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// maxPython bounds the source that is looked at, in bytes.
const maxPython = 1 << 30

// reachPython marks what the project's code imports. With an environment it
// follows imports from distribution to distribution, by what is installed; the
// rest is not seen imported. Without one, only what the code itself imports
// can be told, and by its name alone.
func reachPython(ctx context.Context, o Options, all []Vulnerability, r *Report) error {
	if !slices.ContainsFunc(all, func(v Vulnerability) bool { return v.Ecosystem == inventory.PyPI }) {
		return nil
	}
	o.Progress("following imports", 0, 0)
	p := &pythonReach{ctx: ctx, left: maxPython, dists: map[string]*distribution{}, modules: map[string][]string{}, reached: map[string]bool{}}
	for _, e := range o.Inventory.Environments {
		sites, err := inventory.SitePackages(e)
		if err != nil {
			continue // the inventory has said so
		}
		for _, site := range sites {
			p.install(site)
		}
	}
	paths := o.Inventory.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	files := 0
	for _, root := range paths {
		n, err := p.project(root, o.Inventory)
		if err != nil {
			return err
		}
		files += n
	}
	if files == 0 {
		r.Notes = append(r.Notes, "Python reachability was not looked for: there is no Python source in the paths")
		return nil
	}
	if err := p.follow(); err != nil {
		return err
	}
	unseen := false
	for i := range all {
		v := &all[i]
		if v.Ecosystem != inventory.PyPI {
			continue
		}
		key := inventory.NormalizeName(v.Package)
		switch {
		case p.reached[key]:
			v.Reach = Imported
		case p.dists[key] != nil:
			v.Reach = NotSeenImported
		default:
			unseen = true
		}
	}
	if unseen {
		r.Notes = append(r.Notes, "whether a dependency of a dependency is imported can be told only of what is installed: give its environment with --env")
	}
	return nil
}

type pythonReach struct {
	ctx     context.Context
	left    int64
	dists   map[string]*distribution // installed, by normal name
	modules map[string][]string      // normal names of distributions, by dotted module
	reached map[string]bool
	queue   []string
}

type distribution struct{ sources []string }

// install learns which modules the distributions of a site-packages hold.
func (p *pythonReach) install(site string) {
	entries, err := os.ReadDir(site)
	if err != nil {
		return
	}
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), ".dist-info")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(stem, "-")
		key := inventory.NormalizeName(name)
		f, err := os.Open(filepath.Join(site, e.Name(), "RECORD"))
		if err != nil {
			continue
		}
		d := &distribution{}
		p.dists[key] = d
		records := csv.NewReader(f)
		records.FieldsPerRecord, records.LazyQuotes = -1, true
		for {
			row, err := records.Read()
			if err != nil {
				break
			}
			file := path.Clean(filepath.ToSlash(row[0]))
			if path.IsAbs(file) || strings.HasPrefix(file, "..") {
				continue // scripts, and what is not in the site
			}
			module, source := moduleOf(file)
			if module == "" {
				continue
			}
			if !slices.Contains(p.modules[module], key) {
				p.modules[module] = append(p.modules[module], key)
			}
			if source {
				d.sources = append(d.sources, filepath.Join(site, filepath.FromSlash(file)))
			}
		}
		f.Close()
	}
}

// moduleOf is the dotted module that a file is, and whether it is Python.
func moduleOf(file string) (module string, source bool) {
	stem, ok := strings.CutSuffix(file, ".py")
	if !ok {
		// An extension: name.cpython-311-x86_64-linux-gnu.so, name.pyd.
		if ext := path.Ext(file); ext != ".so" && ext != ".pyd" {
			return "", false
		}
		dir, base := path.Split(file)
		base, _, _ = strings.Cut(base, ".")
		return strings.ReplaceAll(dir+base, "/", "."), false
	}
	return strings.ReplaceAll(strings.TrimSuffix(stem, "/__init__"), "/", "."), true
}

// project reads the imports of the project's own source.
func (p *pythonReach) project(root string, o inventory.Options) (files int, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return 0, err
	}
	if !info.IsDir() {
		root = filepath.Dir(root)
	}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case p.ctx.Err() != nil:
			return p.ctx.Err()
		case err != nil:
			return nil //nolint:nilerr // the inventory, which reads the same folders, has said so
		case d.IsDir() && name != root && o.LeavesOut(root, name, d):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".py") || o.LeavesOut(root, name, d):
			return nil
		}
		files++
		p.source(name)
		return nil
	})
	return files, err
}

// follow reads what the reached distributions import.
func (p *pythonReach) follow() error {
	for len(p.queue) > 0 {
		key := p.queue[0]
		p.queue = p.queue[1:]
		d := p.dists[key]
		if d == nil {
			continue
		}
		for _, name := range d.sources {
			if err := p.ctx.Err(); err != nil {
				return err
			}
			p.source(name)
		}
	}
	return nil
}

// source marks what a file imports as reached.
func (p *pythonReach) source(name string) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > pyimport.MaxFile || p.left < info.Size() {
		return
	}
	p.left -= info.Size()
	data, err := os.ReadFile(name)
	if err != nil {
		return
	}
	for _, module := range pyimport.Names(string(data)) {
		for _, key := range p.holders(module) {
			if !p.reached[key] {
				p.reached[key] = true
				p.queue = append(p.queue, key)
			}
		}
	}
}

// holders are the distributions that a module may be of. A namespace such as
// google is shared: the longest part of the name that one of them holds
// counts.
func (p *pythonReach) holders(module string) []string {
	for m := module; m != ""; {
		if keys := p.modules[m]; keys != nil {
			return keys
		}
		i := strings.LastIndexByte(m, '.')
		if i < 0 {
			break
		}
		m = m[:i]
	}
	// By the name: what is not installed here, or no environment was given.
	top, _, _ := strings.Cut(module, ".")
	if key, ok := distributionOf[top]; ok {
		return []string{key}
	}
	return []string{inventory.NormalizeName(top)}
}

// distributionOf are modules whose distribution has another name.
var distributionOf = map[string]string{
	"attr": "attrs", "bs4": "beautifulsoup4", "Crypto": "pycryptodome", "Cryptodome": "pycryptodomex", "cv2": "opencv-python",
	"dateutil": "python-dateutil", "dotenv": "python-dotenv", "git": "gitpython", "grpc": "grpcio", "jose": "python-jose",
	"jwt": "pyjwt", "ldap": "python-ldap", "magic": "python-magic", "markdown_it": "markdown-it-py", "MySQLdb": "mysqlclient",
	"multipart": "python-multipart", "nacl": "pynacl", "OpenSSL": "pyopenssl", "PIL": "pillow", "psycopg2": "psycopg2-binary",
	"pkg_resources": "setuptools", "serial": "pyserial", "skimage": "scikit-image", "sklearn": "scikit-learn", "slugify": "python-slugify",
	"socketio": "python-socketio", "telegram": "python-telegram-bot", "usb": "pyusb", "yaml": "pyyaml", "zmq": "pyzmq",
}
