package passwords

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/pavise-dev/pavise/secret"
)

// Rules say which passwords people may choose. The zero Rules are those of NIST
// SP 800-63B-4 section 3.1.1.2: a least length, no rules of composition, a
// blocklist.
type Rules struct {
	// MinLength in characters (Unicode code points, after NFKC); 0 means 15,
	// or 8 if SecondFactor. Less than 8 is an error.
	MinLength int
	// MaxLength in characters; 0 means 128. Less than 64 is an error, but for
	// the classes of characters below.
	MaxLength int
	// SecondFactor says that a password alone opens nothing.
	SecondFactor bool
	// Upper, Lower, Digit and Special each require one such character. NIST
	// advises against it: people meet them in ways that can be guessed.
	Upper, Lower, Digit, Special bool
	// Blocklist are passwords that are refused, compared without case, beside
	// a short list of the most common.
	Blocklist []string
	// Context are words that must not make up the password: the service's
	// name, its domain.
	Context []string
	// Breached refuses passwords that were found in breaches; nil asks nobody.
	Breached Breached
	// MinScore is the least score of Strength, 1 to 4; 0 means that it is not
	// asked. In place of rules of composition, 3 is what zxcvbn's authors
	// advise.
	MinScore int
	// Strength estimates; package estimate does. Required if MinScore is set.
	Strength Estimator
}

// An Estimator says how hard a password is to guess, from 0 (at once) to 4.
// Words are those that an attacker would try first: of the service and of the
// person.
type Estimator interface {
	Score(password secret.String, words []string) int
}

// GuideRules are the rules of composition that many hardening guides give: 10
// to 128 characters, with upper and lower case, a digit and a special
// character.
func GuideRules() Rules {
	return Rules{MinLength: 10, MaxLength: 128, Upper: true, Lower: true, Digit: true, Special: true}
}

// Breached tells whether a password was found in a breach. A [Filter] does.
type Breached interface {
	Contains(password secret.String) (bool, error)
}

// A RulesError says everything that is wrong with a password, in words for the
// person who chose it. It does not hold the password.
type RulesError struct {
	Problems []string
}

func (e *RulesError) Error() string {
	return "passwords: the password is refused: " + strings.Join(e.Problems, "; ")
}

// Check returns every mistake in the rules themselves.
func (r Rules) Check() error {
	var errs []error
	if low, high := r.lengths(); low < 8 || high < low {
		errs = append(errs, fmt.Errorf("passwords: %d to %d characters: want 8 at least", low, high))
	}
	if r.MaxLength != 0 && r.MaxLength < 64 {
		errs = append(errs, fmt.Errorf("passwords: at most %d characters: want 64 to be possible, for passphrases", r.MaxLength))
	}
	if r.MinScore < 0 || r.MinScore > 4 {
		errs = append(errs, fmt.Errorf("passwords: a least score of %d: want 1 to 4, or 0 for none", r.MinScore))
	}
	if r.MinScore > 0 && r.Strength == nil {
		errs = append(errs, errors.New("passwords: a least score without anyone to estimate: set Strength"))
	}
	return errors.Join(errs...)
}

func (r Rules) lengths() (low, high int) {
	low, high = r.MinLength, r.MaxLength
	if low == 0 {
		low = 15
		if r.SecondFactor {
			low = 8
		}
	}
	if high == 0 {
		high = 128
	}
	return low, high
}

// Normal returns a password in the form in which it is to be hashed: Unicode's
// NFKC, so that the same characters from another keyboard are the same
// password. A password that is no UTF-8 is returned as it is; Accept refuses
// it.
func Normal(password secret.String) secret.String {
	if !utf8.ValidString(password.Expose()) {
		return password
	}
	return secret.New(norm.NFKC.String(password.Expose()))
}

// Accept returns nil if a person may choose the password, and a [RulesError]
// with every reason if not; another error says that it could not be asked
// whether it was breached. Words are the person's own: name, address, mail.
func (r Rules) Accept(password secret.String, words ...string) error {
	if err := r.Check(); err != nil {
		return err
	}
	e := &RulesError{}
	refuse := func(format string, args ...any) { e.Problems = append(e.Problems, fmt.Sprintf(format, args...)) }
	text := Normal(password).Expose()
	if !utf8.ValidString(text) {
		refuse("it is not Unicode text")
		return e
	}
	low, high := r.lengths()
	switch n := utf8.RuneCountInString(text); {
	case n < low:
		refuse("it needs %d characters, and has %d", low, n)
	case n > high:
		refuse("it may have %d characters, and has %d", high, n)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		refuse("it has a control character")
	}
	if missing := r.missing(text); len(missing) > 0 {
		refuse("it needs %s", strings.Join(missing, " and "))
	}
	folded := fold(text)
	switch {
	case blocked(folded, r.Blocklist):
		refuse("it is one of the passwords that are tried first")
	case monotonous(folded):
		refuse("it is one pattern again and again, or a row of the keyboard")
	}
	all := append(append([]string(nil), r.Context...), words...)
	if word, ok := made(folded, all); ok {
		refuse("it is little more than %q", word)
	} else if r.MinScore > 0 && len(e.Problems) == 0 {
		// What is refused anyway, too long for one, is not estimated.
		if score := r.Strength.Score(secret.New(text), all); score < r.MinScore {
			refuse("it is too easy to guess: %d on a scale of 0 to 4, and %d is asked for; more words, and less usual ones, help most", score, r.MinScore)
		}
	}
	if len(e.Problems) > 0 {
		return e
	}
	if r.Breached != nil {
		found, err := r.Breached.Contains(password)
		if err != nil {
			return fmt.Errorf("passwords: asking whether the password was breached: %w", err)
		}
		if found {
			refuse("it was found in a breach, and is tried by attackers")
			return e
		}
	}
	return nil
}

func (r Rules) missing(text string) []string {
	var missing []string
	for _, c := range []struct {
		want bool
		is   func(rune) bool
		name string
	}{
		{r.Upper, unicode.IsUpper, "an upper-case letter"},
		{r.Lower, unicode.IsLower, "a lower-case letter"},
		{r.Digit, unicode.IsDigit, "a digit"},
		{r.Special, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsSpace(c) }, "a special character"},
	} {
		if c.want && !strings.ContainsFunc(text, c.is) {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// fold is a password without its case.
func fold(s string) string { return strings.ToLower(s) }

// common are the stems of the passwords that are tried first.
var common = []string{
	"password", "passwort", "passw0rd", "p@ssword", "p@ssw0rd", "letmein", "welcome", "iloveyou", "admin", "administrator",
	"qwerty", "qwertz", "azerty", "qwertyuiop", "abc123", "monkey", "dragon", "football", "baseball", "sunshine", "princess",
	"trustno1", "superman", "master", "shadow", "michael", "changeme", "secret", "login", "test", "guest", "root",
	"correct horse battery staple", "correcthorsebatterystaple", "hunter2", "1q2w3e4r", "1q2w3e4r5t", "zaq12wsx", "whatever",
}

func blocked(folded string, more []string) bool {
	bare := strings.TrimFunc(folded, func(c rune) bool { return !unicode.IsLetter(c) })
	for _, list := range [][]string{common, more} {
		for _, word := range list {
			word = fold(word)
			if folded == word || len(word) >= 4 && (bare == word || bare != "" && bare == strings.TrimFunc(word, func(c rune) bool { return !unicode.IsLetter(c) })) {
				return true
			}
			// passwordpassword
			if len(word) >= 4 && strings.ReplaceAll(folded, word, "") == "" {
				return true
			}
		}
	}
	return false
}

var rowsOfKeys = []string{"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop"}

// monotonous finds a short piece again and again, and rows of the alphabet, the
// digits or the keyboard, in either direction.
func monotonous(folded string) bool {
	n := len(folded)
	if n < 4 {
		return false
	}
	for piece := 1; piece <= 4 && piece*3 <= n; piece++ {
		if strings.Repeat(folded[:piece], n/piece+1)[:n] == folded {
			return true
		}
	}
	// Cut into the longest runs of any row: few runs of at least three are a
	// pattern.
	runs := 0
	for rest := folded; rest != ""; runs++ {
		k := runLength(rest)
		if k < 3 {
			return false
		}
		rest = rest[k:]
	}
	return runs <= 4
}

// runLength is the length of the run of a row that s begins with.
func runLength(s string) int {
	best := 1
	for _, row := range rowsOfKeys {
		for k := min(len(s), len(row)); k > best; k-- {
			if strings.Contains(row, s[:k]) || strings.Contains(row, reverse(s[:k])) {
				best = k
				break
			}
		}
	}
	return best
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// made finds a word that is most of the password: what is left without it has
// less than six characters.
func made(folded string, words []string) (string, bool) {
	for _, word := range words {
		w := fold(strings.TrimSpace(word))
		if utf8.RuneCountInString(w) < 4 {
			continue
		}
		if rest := strings.ReplaceAll(folded, w, ""); rest != folded && utf8.RuneCountInString(rest) < 6 {
			return word, true
		}
	}
	return "", false
}
