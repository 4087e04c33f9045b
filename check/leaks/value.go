package leaks

import (
	"math"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// entropy is Shannon's, in bits a byte.
func entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	e := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			e -= p * math.Log2(p)
		}
	}
	return e
}

// references are values that name where a secret is, and hold none.
var references = lazy.Regexp(`^(?:\$|%\(|%[A-Za-z_]+%$|\{\{|\{[A-Za-z_%]|<|ENC\[|vault:|ref\+|op://|arn:|sops:|secretref:|projects/|!(?:Ref|Sub|GetAtt|secret|vault|env_var)|env\.|process\.env|os\.(?:environ|getenv)|self\.|settings\.|config\.|var\.|local\.|data\.|module\.|secrets\.|github\.|file://|/run/secrets/|@Microsoft\.KeyVault|\.[a-z_]\w*(?:\.\w+)+$)`)

// placeholder are words by which people say that a value is to be replaced.
var placeholder = lazy.Regexp(`(?i)change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|your[-_ ]|^your|<[^>]*>|\.\.\.|…|x{4,}|\*{3,}|-{4,}|_{4,}|place[-_ ]?holder|example|^insert|insert[-_ ]|^todo|to[-_ ]?do[-_ ]|^fix[-_ ]?me|dummy|^fake|^foo|^bar$|^baz|^none$|^null$|^nil$|^true$|^false$|^undefined$|redacted|^set[-_ ](?:me|in)|^enter[-_ ]|^put[-_ ]|^some[-_ ]|^any[-_ ]|^a[-_ ]secret|not[-_ ]?(?:a[-_ ])?(?:real|secret|used|set)|lorem|^test(?:ing)?$|^secret$|^password$|^passwd$|^token$|^key$|^changeit$|^sample|^mock|^stub|^default$|^empty$|^required$|^optional$|^string$|^bearer$|^basic$|^n/?a$`)

// isPlaceholder tells whether a value stands for one.
func isPlaceholder(v string) bool {
	v = strings.TrimSpace(v)
	if v == "" || references().MatchString(v) || placeholder().MatchString(v) {
		return true
	}
	return repeats(v) || runs(v)
}

// repeats tells whether few characters make up the value: aaaaaaaa, 00000000,
// abababab.
func repeats(v string) bool {
	seen := map[rune]bool{}
	n := 0
	for _, r := range v {
		seen[r] = true
		n++
	}
	return len(seen) <= 2 || n >= 12 && len(seen) <= 3
}

// runs tells whether the value is a sequence of a keyboard or an alphabet,
// such as 0123456789abcdef.
func runs(v string) bool {
	if len(v) < 8 {
		return false
	}
	step := 0
	for i := 1; i < len(v); i++ {
		if d := int(v[i]) - int(v[i-1]); d == 1 || d == -1 || d == 0 {
			step++
		}
	}
	return step*10 >= (len(v)-1)*8
}

// words is a value made of words of letters alone, such as a label or a
// setting's name.
var words = lazy.Regexp(`^[A-Za-z]+(?:[ _.:/-][A-Za-z]+)*[.:?!]?$`)

// plain tells whether a value reads as words, and not as something generated
// or chosen to be guessed by nobody.
func plain(v string) bool {
	return words().MatchString(v) && !mixed(v)
}

// mixed tells whether upper and lower case change more often than in words.
func mixed(v string) bool {
	changes := 0
	for i := 1; i < len(v); i++ {
		a, b := v[i-1], v[i]
		if a >= 'a' && a <= 'z' && b >= 'A' && b <= 'Z' || a >= 'A' && a <= 'Z' && b >= 'a' && b <= 'z' {
			changes++
		}
	}
	return len(v) >= 16 && changes*4 >= len(v)
}
