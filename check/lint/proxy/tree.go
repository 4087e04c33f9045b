package proxy

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
)

// A block is a directive of nginx, what its file includes in its place.
type block struct {
	*deploy.Directive
	parent   *block
	children []*block
	// open tells that it includes what is not in the project.
	open bool
}

// maxIncludes bounds how deep files include each other.
const maxIncludes = 6

// trees are the files that no other includes, with what they include.
func trees(roots []*deploy.Directive) []*block {
	included := map[*deploy.Directive]bool{}
	for _, r := range roots {
		for _, d := range r.All("include") {
			for _, f := range files(roots, d) {
				included[f] = true
			}
		}
	}
	var out []*block
	for _, r := range roots {
		if !included[r] && !deploy.Aside(r.File) {
			out = append(out, tree(roots, r, nil, 0))
		}
	}
	return out
}

func tree(roots []*deploy.Directive, d *deploy.Directive, parent *block, depth int) *block {
	b := &block{Directive: d, parent: parent}
	b.fill(roots, d, depth)
	return b
}

func (b *block) fill(roots []*deploy.Directive, from *deploy.Directive, depth int) {
	for _, c := range from.Children {
		if c.Name() != "include" {
			b.children = append(b.children, tree(roots, c, b, depth))
			continue
		}
		found := files(roots, c)
		for _, f := range found {
			if depth < maxIncludes {
				b.fill(roots, f, depth+1)
			}
		}
		b.open = b.open || len(found) == 0 && !stock(c.Arg(0))
	}
}

// stock tells whether a file is one that comes with nginx or certbot, and says
// nothing of what is looked for here.
func stock(name string) bool {
	base, dir := path.Base(name), path.Base(path.Dir(name))
	return base == "mime.types" || strings.HasSuffix(base, "_params") && base != "proxy_params" || base == "fastcgi.conf" || dir == "modules-enabled" || dir == "conf.d" || dir == "sites-enabled" ||
		base == "options-ssl-nginx.conf" || strings.Contains(name, "fastcgi-php")
}

// files are those of the project that a directive includes.
func files(roots []*deploy.Directive, include *deploy.Directive) []*deploy.Directive {
	name := include.Arg(0)
	base, dir := path.Base(name), path.Base(path.Dir(name))
	var out []*deploy.Directive
	for _, r := range roots {
		if r.File == include.File {
			continue
		}
		own := path.Base(r.File)
		for _, ext := range []string{".template", ".j2", ".tmpl"} {
			own = strings.TrimSuffix(own, ext)
		}
		ok, err := path.Match(base, own)
		if err != nil || !ok {
			// What is copied there under another name serves all the same.
			ok = strings.Contains(base, "*") && (dir == "conf.d" || dir == "sites-enabled") && len(r.Own("server")) > 0 && len(r.Own("http")) == 0
		} else if strings.Contains(base, "*") && path.Base(path.Dir(r.File)) != dir {
			ok = len(r.Own("server")) > 0 && len(r.Own("http")) == 0
		}
		if ok {
			out = append(out, r)
		}
	}
	return out
}

// own are the block's directives of a name.
func (b *block) own(name string) []*block {
	var out []*block
	for _, c := range b.children {
		if c.Name() == name {
			out = append(out, c)
		}
	}
	return out
}

// all are those in it and below.
func (b *block) all(names ...string) []*block {
	var out []*block
	for _, c := range b.children {
		if slices.Contains(names, c.Name()) {
			out = append(out, c)
		}
		out = append(out, c.all(names...)...)
	}
	return out
}

// effective are the directives of a name that hold in a block: its own, or
// those of the nearest around it that has any. They do not add up.
func (b *block) effective(name string) []*block {
	for at := b; at != nil; at = at.parent {
		if own := at.own(name); len(own) > 0 {
			return own
		}
	}
	return nil
}

// within is the nearest block of a name around it, or itself; nil when there
// is none.
func (b *block) within(name string) *block {
	for at := b; at != nil; at = at.parent {
		if at.Name() == name {
			return at
		}
	}
	return nil
}

// unsure tells whether it, or what is around it, includes what is not seen.
func (b *block) unsure() bool {
	for at := b; at != nil; at = at.parent {
		if at.open {
			return true
		}
	}
	return false
}

// isServer tells whether it is a server of HTTP, and not one of a list of
// upstreams.
func (b *block) isServer() bool {
	return b.Name() == "server" && b.Block && b.within("stream") == nil && b.within("mail") == nil
}

// location is how a location matches, and what.
func (b *block) location() (modifier, pattern string) {
	if b.Name() != "location" {
		return "", ""
	}
	first := b.Arg(0)
	for _, m := range []string{"^~", "~*", "=", "~"} {
		if rest, ok := strings.CutPrefix(first, m); ok {
			if rest == "" {
				rest = b.Arg(1)
			}
			return m, rest
		}
	}
	return "", first
}

// uses tells whether a word has a variable in it.
func uses(word string, variables ...string) bool {
	for _, v := range variables {
		if strings.Contains(word, "${"+v+"}") {
			return true
		}
		for rest := word; ; {
			i := strings.Index(rest, "$"+v)
			if i < 0 {
				break
			}
			rest = rest[i+1+len(v):]
			if rest == "" || !strings.ContainsRune("_0123456789abcdefghijklmnopqrstuvwxyz", rune(rest[0]|0x20)) && rest[0] != '_' {
				return true
			}
		}
	}
	return false
}
