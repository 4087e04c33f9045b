// Package estimate guesses how many guesses an attacker needs for a password,
// in the manner of zxcvbn: dictionaries, keyboards, dates, repetitions and
// substitutions are what people make passwords of, and what attackers try.
//
// It is a package of its own because its dictionaries are read when a program
// starts, into some 6 MB: who asks only for the rules of [passwords.Rules] does
// not link them.
//
// Source: Daniel Lowe Wheeler, "zxcvbn: Low-Budget Password Strength
// Estimation", USENIX Security 2016. It is of use online, where guesses are
// counted; a breached password may score well, so ask a filter as well.
package estimate

import (
	"github.com/trustelem/zxcvbn/matching"
	"github.com/trustelem/zxcvbn/scoring"

	"github.com/pavise-dev/pavise/secret"
)

// MaxRunes is how much of a password is estimated. The estimate looks at every
// part of it, at a cost that grows faster than its length, and an attacker
// chooses the length. What follows can only add guesses.
const MaxRunes = 72

// maxWords and maxWord bound the words of the context in the same way.
const (
	maxWords = 64
	maxWord  = 64
)

// Zxcvbn estimates. Its zero value is ready, and safe for concurrent use.
type Zxcvbn struct{}

// Score is from 0, guessed at once, to 4, guessed after more than 10^10
// attempts. Words are those of the context, which an attacker tries first.
func (Zxcvbn) Score(password secret.String, words []string) int {
	text := clip(password.Expose(), MaxRunes)
	stand := standIns(text)
	text, _ = ascii(text, stand)
	return score(guesses(text, bounded(words, stand)))
}

// guesses estimates how many are needed for text.
func guesses(text string, words []string) float64 {
	matches := matching.Omnimatch(text, words)
	for _, m := range matches {
		if m.Pattern == "repeat" && len(words) > 0 {
			// The library forgets the words within what is repeated. It is shorter
			// than text, so this ends.
			m.BaseGuesses = guesses(m.BaseToken, words)
		}
	}
	return scoring.MostGuessableMatchSequence(text, matches, false).Guesses
}

// score is zxcvbn's scale: 10^3, 10^6, 10^8 and 10^10 guesses, and a few for
// the last guess of each to count as fewer.
func score(guesses float64) int {
	for i, limit := range []float64{1e3, 1e6, 1e8, 1e10} {
		if guesses < limit+5 {
			return i
		}
	}
	return 4
}

func bounded(words []string, stand map[rune]byte) []string {
	out := make([]string, 0, min(len(words), maxWords))
	for _, w := range words[:min(len(words), maxWords)] {
		// A word with a character that the password lacks is not in it.
		if w, ok := ascii(clip(w, maxWord), stand); ok {
			out = append(out, w)
		}
	}
	return out
}

func clip(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}
