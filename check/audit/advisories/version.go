package advisories

import (
	"fmt"

	"github.com/pavise-dev/pavise/check/audit/internal/gover"
	"github.com/pavise-dev/pavise/check/audit/internal/pep440"
)

// A Version is a version in its ecosystem's order.
type Version struct {
	text string
	// key is compared with the bounds of ranges. For PyPI it leaves the local
	// part out: 1.2+cu118 is a build of 1.2, with its holes.
	key string
	// full is looked up among listed versions besides key.
	full string
	pre  bool
}

// ParseVersion reads a version of the ecosystem. A version that its ecosystem
// has no order for is an error: nothing can be said of it.
func ParseVersion(ecosystem, version string) (Version, error) {
	switch ecosystem {
	case "PyPI":
		v, err := pep440.Parse(version)
		if err != nil {
			return Version{}, err
		}
		return Version{text: version, key: v.WithoutLocal().Key(), full: v.Key(), pre: v.IsPrerelease()}, nil
	case "Go":
		key, err := gover.ModuleKey(version)
		if err != nil {
			return Version{}, err
		}
		return Version{text: version, key: key, full: key, pre: gover.IsPrerelease(version)}, nil
	}
	return Version{}, fmt.Errorf("the order of %s's versions is not known", ecosystem)
}

// String is the version as it was written.
func (v Version) String() string { return v.text }

// Compare orders two versions of one ecosystem.
func (v Version) Compare(w Version) int {
	switch {
	case v.key < w.key:
		return -1
	case v.key > w.key:
		return 1
	}
	return 0
}

// IsPrerelease tells whether the version comes before a final one.
func (v Version) IsPrerelease() bool { return v.pre }
