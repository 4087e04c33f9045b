package trial

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
)

// mark is what [values.Maker.Mark] makes.
var mark = regexp.MustCompile(`pv[a-z2-7]{7}`)

// Again is a valid request like a baseline's about the same objects, with
// texts of its own: what must be unique is, and no further object is made for
// it. It is not for operations that can be asked once for each object.
func (t *Trial) Again(b *Baseline) *Draft {
	t.mu.Lock()
	t.makers++
	m := t.maker(b.Op, fmt.Sprintf("%s %s again %d", b.Who.Name, b.Op.Name(), t.makers))
	t.mu.Unlock()
	fresh := map[string]string{}
	ours := map[string]bool{} // what names an object
	for _, v := range b.Draft.Path {
		ours[v] = true
	}
	for _, o := range t.Objects() {
		ours[o.ID] = true
	}
	renew := func(s string) string {
		return mark.ReplaceAllStringFunc(s, func(old string) string {
			if ours[old] || ours[s] {
				return old
			}
			if fresh[old] == "" {
				fresh[old] = m.Mark()
			}
			return fresh[old]
		})
	}
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			return renew(v)
		case map[string]any:
			for _, k := range sortedKeys(v) {
				v[k] = walk(v[k])
			}
			return v
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
			return v
		case File:
			v.Name, v.Data = renew(v.Name), []byte(renew(string(v.Data)))
			return v
		}
		return v
	}
	d := b.Draft.Clone()
	d.Body = walk(d.Body)
	t.mine(d)
	return d
}

// Delicate tells whether requests that are not valid may lock an identity out:
// those that log in, and those about one's own account or session.
func (t *Trial) Delicate(b *Baseline) bool {
	return identity.LogsIn(b.Op) > 0 || Ends(b.Op) || b.Op.Writes() && t.self(b.Draft)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
