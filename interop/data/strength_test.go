//go:build real

package data

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/trustelem/zxcvbn/scoring"

	"github.com/pavise-dev/pavise/passwords/estimate"
	"github.com/pavise-dev/pavise/secret"
)

// TestStrengthIsZxcvbns: passwords of the kinds that people make score as they
// do with Python's zxcvbn.
//
// Python's counts the years of a date from 2017, ours and the original's in
// JavaScript from now, so that people's recent years stay cheap to guess.
func TestStrengthIsZxcvbns(t *testing.T) {
	defer func(year int) { scoring.ReferenceYear = year }(scoring.ReferenceYear)
	scoring.ReferenceYear = 2017
	p := startPeer(t)
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	word := func() string {
		return pick("sorrel", "monkey", "dragon", "horse", "battery", "staple", "summer", "december", "michael", "quay", "vex", "iloveyou", "admin", "zebra", "thermal", "correct")
	}
	letters := func(n int, alphabet string) string {
		var b strings.Builder
		runes := []rune(alphabet)
		for range n {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		return b.String()
	}
	leet := strings.NewReplacer("a", "@", "e", "3", "o", "0", "s", "$", "i", "1")
	kinds := []func() string{
		word,
		func() string { return word() + letters(r.IntN(5), "0123456789") },
		func() string { return strings.ToUpper(word()[:1]) + word() + pick("!", "1", "123", "2019", "?") },
		func() string { return leet.Replace(word()) + leet.Replace(word()) },
		func() string { return strings.Repeat(word(), 1+r.IntN(3)) },
		func() string {
			return pick("qwerty", "asdfgh", "zxcvbn", "1qaz2wsx", "qazwsxedc", "poiuytrewq") + letters(r.IntN(4), "abc1")
		},
		func() string { return letters(4, "12") + "-" + letters(2, "01") + "-" + letters(2, "012") },
		func() string { return pick("abcdef", "987654", "aceg", "zyxw") + word() },
		func() string {
			return letters(4+r.IntN(14), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&*()")
		},
		func() string { return letters(4+r.IntN(10), "äöüßéñ漢字かなабв") },
		func() string { return word() + " " + word() + " " + word() + " " + word() },
	}
	const total = 2000
	digits, dates := regexp.MustCompile(`\d{4}`), 0
	for i := range total {
		text := kinds[i%len(kinds)]()
		var words []string
		if r.IntN(4) == 0 {
			words = []string{word(), "zebracorp"}
		}
		var answer []float64
		p.ask(t, &answer, "strength", text, append([]string{}, words...))
		got := (estimate.Zxcvbn{}).Score(secret.New(text), words)
		if got == int(answer[0])-1 && digits.MatchString(text) {
			dates++ // the library also takes 9560 for a date, of the month 0
			continue
		}
		if got != int(answer[0]) {
			t.Errorf("case %d of kind %d: score %d, zxcvbn says %v (10^%.2f guesses)", i, i%len(kinds), got, answer[0], answer[1])
		}
	}
	if dates > total/200 {
		t.Errorf("%d passwords with digits score one less than with zxcvbn", dates)
	}
}
