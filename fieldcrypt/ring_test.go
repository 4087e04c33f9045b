package fieldcrypt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestMovedTokens: a token that is copied to another row, column, table or
// tenant does not open there; neither does one where a field's end moved.
func TestMovedTokens(t *testing.T) {
	r := newRing(t, V1)
	home := Context{"acme", "users", "ssn", "7"}
	token := must[string](t)(r.Encrypt([]byte("078-05-1120"), home))
	if _, err := r.Decrypt(token, home); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Context{
		{}, {"acme", "users", "ssn", "8"}, {"acme", "users", "tax_id", "7"}, {"acme", "orders", "ssn", "7"}, {"other", "users", "ssn", "7"},
		{"acm", "eusers", "ssn", "7"}, {"acme", "users", "ssn7", ""}, {"", "acmeusers", "ssn", "7"}, {"acme", "users", "ss", "n7"},
	} {
		if _, err := r.Decrypt(token, c); !errors.Is(err, ErrDecrypt) {
			t.Errorf("opens in %+v: %v", c, err)
		}
	}
}

// TestKeyIDIsBound: the id in a token cannot be turned to another key's.
func TestKeyIDIsBound(t *testing.T) {
	r := newRing(t, V1)
	token := newTokenOf(t, r)
	raw, ok := decodeV1(nil, token)
	if !ok {
		t.Fatal("not a token")
	}
	other := must[Key](t)(NewKey(V1, time.Now()))
	_, _ = hex.Decode(raw[:idSize], []byte(other.ID))
	both := must[*Ring](t)(r.Add(other))
	if _, err := both.Decrypt(v1Prefix+v1Encoding.EncodeToString(raw), Context{Table: "t"}); !errors.Is(err, ErrDecrypt) {
		t.Errorf("opens: %v", err)
	}
}

// TestRotation walks a ring through its life: what the former key sealed
// opens, is sealed anew once, and opens no more without any key.
func TestRotation(t *testing.T) {
	for _, step := range []struct{ from, to Format }{{Fernet, Fernet}, {Fernet, V1}, {V1, V1}, {V1, Fernet}} {
		t.Run(fmt.Sprint(step.from, " to ", step.to), func(t *testing.T) {
			c := Context{Table: "users", Column: "ssn", PrimaryKey: "1"}
			r := newRing(t, step.from)
			first := r.Primary().ID
			token := must[string](t)(r.Encrypt([]byte("value"), c))
			if same, changed, err := r.Rotate(token, c); err != nil || changed || same != token {
				t.Fatalf("what is current was changed: %v, %v", changed, err)
			}
			r = must[*Ring](t)(r.Add(must[Key](t)(NewKey(step.to, time.Now()))))
			if r.Primary().ID == first || len(r.Keys()) != 2 {
				t.Fatal("the new key is not the primary one")
			}
			rotated, changed, err := r.Rotate(token, c)
			if err != nil || !changed || rotated == token || FormatOf(rotated) != step.to {
				t.Fatalf("%v, %v, %s", changed, err, FormatOf(rotated))
			}
			if id, err := r.KeyOf(token); err != nil || id != first {
				t.Errorf("the old token is of %q, %v", id, err)
			}
			if same, changed, err := r.Rotate(rotated, c); err != nil || changed || same != rotated {
				t.Errorf("a second pass changes: %v, %v", changed, err)
			}
			after := must[*Ring](t)(r.Retire(first))
			if _, err := after.Decrypt(token, c); !errors.Is(err, ErrDecrypt) {
				t.Errorf("a retired key opens: %v", err)
			}
			if got, err := after.Decrypt(rotated, c); err != nil || string(got) != "value" {
				t.Errorf("%q, %v", got, err)
			}
			back := must[*Ring](t)(r.Promote(first))
			if back.Primary().ID != first {
				t.Error("not promoted")
			}
		})
	}
}

// TestRotateKeepsTime: so does Python's MultiFernet.rotate.
func TestRotateKeepsTime(t *testing.T) {
	r := fernetRing(t, newRing(t, Fernet).Primary().Export().Expose(), specKey)
	rotated, changed, err := r.Rotate(specToken, Context{})
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if _, err := r.DecryptFresh(rotated, Context{}, 0, specTime); err != nil {
		t.Errorf("the token has another time: %v", err)
	}
}

func TestRingMistakes(t *testing.T) {
	a, b := must[Key](t)(NewKey(V1, time.Now())), must[Key](t)(NewKey(V1, time.Now()))
	for want, keys := range map[string][]Key{
		"without a key": {}, "0 keys are primary": {a.with(DecryptOnly)}, "2 keys are primary": {a, b},
		"is there twice": {a, a.with(Retired)}, "no material": {a, {}},
	} {
		if _, err := NewRing(keys...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one with %q", err, want)
		}
	}
	r := newRing(t, V1)
	if _, err := r.Retire(r.Primary().ID); err == nil {
		t.Error("the primary key was retired")
	}
	if _, err := r.Promote("00000000"); err == nil || !strings.Contains(err.Error(), r.Primary().ID) {
		t.Errorf("%v: does not say which keys there are", err)
	}
}

// TestRingText: every ring reads back as it was, and no error shows material.
func TestRingText(t *testing.T) {
	r := newRing(t, V1)
	for _, f := range []Format{Fernet, V1, Fernet} {
		r = must[*Ring](t)(r.Add(must[Key](t)(NewKey(f, time.Now()))))
	}
	r = must[*Ring](t)(r.Retire(r.Keys()[2].ID))
	text := r.Text()
	back := must[*Ring](t)(ParseRing(text))
	if fmt.Sprint(back.Keys()) != fmt.Sprint(r.Keys()) || back.Text().Expose() != text.Expose() {
		t.Errorf("%v, want %v", back.Keys(), r.Keys())
	}
	material := r.Primary().Export().Expose()
	for name, broken := range map[string]string{
		"another version": strings.Replace(text.Expose(), `ring": 1`, `ring": 2`, 1),
		"unknown member":  strings.Replace(text.Expose(), `"keys"`, `"kees"`, 1),
		"behind":          text.Expose() + "{}",
		"another id":      strings.Replace(text.Expose(), r.Primary().ID, "00000000", 1),
		"another state":   strings.Replace(text.Expose(), `"primary"`, `"secondary"`, 1),
		"another format":  strings.Replace(text.Expose(), `"fernet"`, `"aes"`, 1),
		"short material":  strings.Replace(text.Expose(), material, material[:20], 1),
		"cut material":    strings.Replace(text.Expose(), material, material[:39], 1),
		"not JSON":        text.Expose()[:len(text.Expose())-9],
		"a number":        strings.Replace(text.Expose(), `"`+material+`"`, "12", 1),
		"nothing":         " \n",
		"a bad list":      material + "," + material[:40],
		"a list of one":   "hunter2hunter2",
		"all zeros":       strings.Repeat("A", 43) + "=",
	} {
		if _, err := ParseRing(secret.New(broken)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), material[:12]) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows material", name)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		if strings.Contains(fmt.Sprintf(verb, r.Keys()), material) {
			t.Errorf("%s prints material", verb)
		}
	}
}

func TestIndex(t *testing.T) {
	old := newRing(t, V1)
	c := Context{Tenant: "acme", Table: "users", Column: "ssn"}
	before := must[*Index](t)(old.Index(c, 0)).Of([]byte("1"))
	r := must[*Ring](t)(old.Add(must[Key](t)(NewKey(Fernet, time.Now()))))
	x := must[*Index](t)(r.Index(c, 0))
	all := x.All([]byte("1"))
	if len(all) != 2 || all[0] != x.Of([]byte("1")) || all[1] != before || all[0] == all[1] || len(before) != 16 {
		t.Errorf("%v and before %s", all, before)
	}
	if x.Of([]byte("2")) == all[0] || must[*Index](t)(r.Index(Context{Tenant: "acme", Table: "users", Column: "tax"}, 0)).Of([]byte("1")) == all[0] {
		t.Error("other values or columns have the same hash")
	}
	if n := len(must[*Index](t)(must[*Ring](t)(r.Retire(old.Primary().ID)).Index(c, 16)).All([]byte("1"))); n != 1 {
		t.Errorf("%d hashes", n)
	}
	for _, bits := range []int{-8, 4, 12, 264} {
		if _, err := r.Index(c, bits); err == nil {
			t.Errorf("%d bits", bits)
		}
	}
	if _, err := r.Index(Context{PrimaryKey: "1"}, 0); err == nil {
		t.Error("an index of one row")
	}
	if got := FalsePositives(16, 65536); got != 1 {
		t.Errorf("%v", got)
	}
}

func TestCapacity(t *testing.T) {
	for _, c := range []struct {
		format      Format
		width, want int
	}{{Fernet, 500, 303}, {Fernet, 100, 15}, {Fernet, 99, -1}, {V1, 500, 328}, {V1, 62, -1}, {V1, 63, 0}, {V1, 64, 1}, {"other", 100, -1}} {
		got := Capacity(c.format, c.width)
		if got != c.want {
			t.Errorf("%s in %d: %d, want %d", c.format, c.width, got, c.want)
		}
		if got >= 0 && (Width(c.format, got) > c.width || Width(c.format, got+1) <= c.width) {
			t.Errorf("%s in %d: Width disagrees", c.format, c.width)
		}
	}
}
