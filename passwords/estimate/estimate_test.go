package estimate

import (
	"errors"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/passwords"
	"github.com/pavise-dev/pavise/secret"
)

func TestScore(t *testing.T) {
	for _, c := range []struct {
		password string
		words    []string
		want     int
	}{
		{"password1", nil, 0},
		{"qwertyuiop", nil, 0},
		{"Tr0ub4dour&3", nil, 2},
		{"sorrelquayvexlimn", nil, 4},
		{"2019-12-24", nil, 1},
		{"zebracorp-quietly", nil, 4},
		{"zebracorp-quietly", []string{"zebracorp", "quietly"}, 3},
		{"zebracorpzebracorp", nil, 3},
		{"zebracorpzebracorp", []string{"zebracorp"}, 0},
		{"漢かбüñ字な7äßв", nil, 4},
		{"ZOËZOË", []string{"zoë"}, 0},
		{"абвгдежзик", nil, 1},
		{"", nil, 0},
	} {
		if got := (Zxcvbn{}).Score(secret.New(c.password), c.words); got != c.want {
			t.Errorf("case %d characters long: score %d, want %d", len(c.password), got, c.want)
		}
	}
}

// TestLongPasswordsAreCut: what is estimated is bounded, whatever is sent, and
// not in the middle of a character.
func TestLongPasswordsAreCut(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	if got := clip(long, MaxRunes); got != strings.Repeat("é", MaxRunes) {
		t.Errorf("%d bytes are estimated", len(got))
	}
	words := make([]string, 10000)
	for i := range words {
		words[i] = long
	}
	stand := standIns("é")
	if b := bounded(words, stand); len(b) != maxWords || len(b[0]) != maxWord {
		t.Errorf("%d words of %d bytes are tried", len(b), len(b[0]))
	}
	if got := (Zxcvbn{}).Score(secret.New(long), words); got < 0 || got > 4 {
		t.Errorf("score %d", got)
	}
}

func TestRulesAskForTheScore(t *testing.T) {
	r := passwords.Rules{MinScore: 3, Strength: Zxcvbn{}, SecondFactor: true}
	err := r.Accept(secret.New("december2019"))
	var refused *passwords.RulesError
	if !errors.As(err, &refused) || strings.Contains(err.Error(), "december") {
		t.Fatalf("got %v", err)
	}
	if err := r.Accept(secret.New("sorrelquayvexlimn")); err != nil {
		t.Error(err)
	}
	// The context's words reach the estimate.
	r.Context = []string{"sorrelquayvexlimn"}
	if err := r.Accept(secret.New("1sorrelquayvexlimn99")); err == nil {
		t.Error("a password of a word of the context is accepted")
	}
}
