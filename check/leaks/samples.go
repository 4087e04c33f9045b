package leaks

import "strings"

// Examples of secrets are put together when the program starts, from pieces
// that are none: a scanner, ours included, would find whole ones here.

const (
	digits   = "0123456789"
	hexa     = digits + "abcdef"
	lower    = "abcdefghijklmnopqrstuvwxyz"
	base36   = digits + lower
	base62   = base36 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base32   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	urlsafe  = base62 + "_-"
	standard = base62 + "+/"
)

// chars are n characters of an alphabet that look like chance and are the
// same each time.
func chars(n int, alphabet string) string {
	var b strings.Builder
	state := uint32(n)*2654435761 + uint32(len(alphabet))
	for range n {
		state = state*1664525 + 1013904223
		b.WriteByte(alphabet[int(state>>16)%len(alphabet)])
	}
	return b.String()
}

// withSum is a body with the checksum that GitHub's and npm's tokens end in.
func withSum(body string) string { return body + base62Sum(body) }

// ageSample is what follows the prefix of an age key, with its checksum.
func ageSample() string {
	body := chars(52, bech32Digits)
	sum := bech32Rest("age-secret-key-1"+body+"qqqqqq") ^ 1
	for i := range 6 {
		body += string(bech32Digits[sum>>(5*(5-i))&31])
	}
	return strings.ToUpper(body)
}

// marked is a line with the secret in the marks that the rules' tests look for.
func marked(before, secret, after string) string { return before + "⟦" + secret + "⟧" + after }
