package gover

import (
	"cmp"
	"go/version"
	"slices"
	"testing"

	"golang.org/x/mod/semver"
)

// ordered is a list from the least, of the traps of the order.
var ordered = []string{
	"v0.0.0-20191109021931-daa7c04131f5", "v0.0.0-20201109021931-daa7c04131f5", "v0.0.0", "v0.9.0", "v0.10.0",
	"v1.0.0-0", "v1.0.0-1", "v1.0.0-2", "v1.0.0-10", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.1.x", "v1.0.0-alpha.beta", "v1.0.0-alpha0", "v1.0.0-beta", "v1.0.0-beta.2",
	"v1.0.0-beta.11", "v1.0.0-rc.1", "v1.0.0-rc.1.0.20200101000000-abcdefabcdef", "v1.0.0", "v1.0.1-0.20200101000000-abcdefabcdef", "v1.0.1", "v2.0.0+incompatible", "v10.0.0",
	"v99999999999999999999999999999999999999.0.0",
}

func TestKeyOrder(t *testing.T) {
	for i, a := range ordered {
		for j, b := range ordered {
			ka, err := ModuleKey(a)
			if err != nil {
				t.Fatal(err)
			}
			kb, _ := ModuleKey(b)
			if got, want := cmp.Compare(ka, kb), cmp.Compare(i, j); got != want {
				t.Errorf("%s, %s: got %d, want %d", a, b, got, want)
			}
			if got, want := cmp.Compare(ka, kb), semver.Compare(a, b); got != want {
				t.Errorf("%s, %s: got %d, semver says %d", a, b, got, want)
			}
		}
	}
}

func TestBuildMetadataHasNoOrder(t *testing.T) {
	a, _ := ModuleKey("v1.2.3+incompatible")
	b, _ := ModuleKey("1.2.3")
	if a != b {
		t.Error("v1.2.3+incompatible and 1.2.3 differ")
	}
}

func TestNotSemantic(t *testing.T) {
	for _, v := range []string{"", "v", "latest", "v1.2.3.4", "v01.0.0", "1.0.0-01", "v1.0.0-", " v1.0.0", "main"} {
		if _, err := ModuleKey(v); err == nil {
			t.Errorf("%q has a key", v)
		}
	}
}

func TestToolchain(t *testing.T) {
	for name, want := range map[string]string{
		"go1.22.3": "1.22.3", "go1.22.3 X:boringcrypto": "1.22.3", "go1.22.3-bigcorp": "1.22.3",
		"go1.20": "1.20.0", "1.21": "1.21.0", "go1.22rc1": "1.22.0-rc.1", "go1.4beta1": "1.4.0-beta.1", "1.23.4": "1.23.4",
		"devel": "", "go": "", "go1": "", "go1.2.3.4": "", "go1.22alpha1": "", "go1.22rc": "", "": "", "go1.x": "",
	} {
		got, err := Toolchain(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestToolchainOrder: what go/version orders, the keys order too.
func TestToolchainOrder(t *testing.T) {
	names := []string{"go1.4beta1", "go1.19rc2", "go1.19", "go1.19.1", "go1.20rc1", "go1.20", "go1.20.14", "go1.21rc2", "go1.21rc10", "go1.21.0", "go1.21.1", "go1.22rc1", "go1.22.0", "go1.30.10"}
	if !slices.IsSortedFunc(names, version.Compare) {
		t.Fatal("the list is not in order")
	}
	last := ""
	for _, n := range names {
		s, err := Toolchain(n)
		if err != nil {
			t.Fatal(err)
		}
		k, err := ModuleKey(s)
		if err != nil {
			t.Fatal(err)
		}
		if k <= last {
			t.Errorf("%s does not come after the one before it", n)
		}
		last = k
	}
}

// FuzzModuleKey: the order of keys is semver's.
func FuzzModuleKey(f *testing.F) {
	for i := range ordered {
		f.Add(ordered[i], ordered[(i+7)%len(ordered)])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		ka, errA := ModuleKey(a)
		kb, errB := ModuleKey(b)
		va, vb := a, b
		if len(va) > 0 && va[0] != 'v' {
			va = "v" + va
		}
		if len(vb) > 0 && vb[0] != 'v' {
			vb = "v" + vb
		}
		if (errA == nil) != (semver.IsValid(va) && len(va) <= 1024) {
			t.Fatalf("%q: %v, and semver says %v", a, errA, semver.IsValid(va))
		}
		if errA == nil && errB == nil && cmp.Compare(ka, kb) != semver.Compare(va, vb) {
			t.Errorf("%q, %q: got %d, semver says %d", a, b, cmp.Compare(ka, kb), semver.Compare(va, vb))
		}
	})
}
