//go:build real

package pep440

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/audit/internal/peer"
)

func invented(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	number := func() string { return pick("0", "1", "2", "10", "01", "007", "20240101", fmt.Sprint(r.IntN(5))) }
	v := pick("", "", "", "v", " ", "V") + pick("", "", "", "", "1!", "0!", "01!") + number()
	for range r.IntN(4) {
		v += "." + number()
	}
	separator := func() string { return pick("", "", ".", "-", "_") }
	if r.IntN(3) == 0 {
		v += separator() + pick("a", "b", "c", "rc", "alpha", "beta", "pre", "preview", "RC", "x") + separator() + pick("", number())
	}
	if r.IntN(4) == 0 {
		v += pick("-"+number(), separator()+pick("post", "rev", "r", "POST")+separator()+pick("", number()))
	}
	if r.IntN(4) == 0 {
		v += separator() + pick("dev", "DEV") + separator() + pick("", number())
	}
	if r.IntN(5) == 0 {
		v += "+" + pick("ubuntu", "1", "cu118", "a.1", "A-1_b", "01", "", ".x")
	}
	return v + pick("", "", "", "", "", "", " ", ".", "*", "\n")
}

func TestVersionsAgainstPackaging(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var pairs [][2]string
	for range 30000 {
		pairs = append(pairs, [2]string{invented(r), invented(r)})
	}
	var theirs [][3]any
	peer.Ask(t, "../../../..", "versions", pairs, &theirs)
	read := 0
	for i, pair := range pairs {
		var ours [3]any
		a, errA := Parse(pair[0])
		b, errB := Parse(pair[1])
		if errA == nil {
			ours[0] = a.String()
		}
		if errB == nil {
			ours[1] = b.String()
		}
		if errA == nil && errB == nil {
			ours[2] = float64(a.Compare(b))
			read++
		}
		if ours != theirs[i] {
			t.Errorf("%q: ours %v, packaging %v", pair, ours, theirs[i])
		}
	}
	if read < len(pairs)/3 {
		t.Errorf("only %d pairs were of two versions", read)
	}
}

func TestSpecifiersAgainstPackaging(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var cases [][3]any
	for range 30000 {
		var set []string
		for range 1 + r.IntN(3) {
			set = append(set, pick("==", "!=", "<", "<=", ">", ">=", "~=", "===", "")+pick("", " ")+strings.Trim(invented(r), "*\n")+pick("", "", "", ".*"))
		}
		cases = append(cases, [3]any{strings.Join(set, ","), invented(r), r.IntN(2) == 0})
	}
	var theirs []any
	peer.Ask(t, "../../../..", "contains", cases, &theirs)
	admitted, refused := 0, 0
	for i, c := range cases {
		var ours any
		set, err := ParseSet(c[0].(string))
		v, errV := Parse(c[1].(string))
		if err == nil && errV == nil {
			ours = set.Contains(v, c[2].(bool))
		}
		switch ours {
		case true:
			admitted++
		case false:
			refused++
		}
		if errV != nil {
			continue // packaging then compares texts
		}
		if slices.ContainsFunc(set, func(s Specifier) bool { return s.Op == "~=" && s.Text != s.version.String() }) {
			continue // packaging takes what is not in the normal form apart as a text
		}
		if ours != theirs[i] {
			t.Errorf("%v: ours %v, packaging %v (%v)", c, ours, theirs[i], err)
		}
	}
	if admitted < 500 || refused < 500 {
		t.Errorf("%d admitted, %d refused: the cases show little", admitted, refused)
	}
}
