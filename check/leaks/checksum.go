package leaks

import (
	"encoding/hex"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// Checksums that providers put into their tokens, so that what was typed by
// hand is told from what was issued without asking them. Where a token's own
// checksum is wrong, a finding stays, and is of low severity: the provider may
// have changed its mind since this was written.

// base62Sum is the CRC-32 of a text in six digits of base 62.
//
// Source: "Behind GitHub's new authentication token formats", GitHub, 2021.
func base62Sum(body string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := crc32.ChecksumIEEE([]byte(body))
	out := [6]byte{}
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = alphabet[sum%62]
		sum /= 62
	}
	return string(out[:])
}

// base62Summed tells whether a token of a prefix ends in base62Sum of what is
// between. Of other lengths than 36 nothing is documented.
func base62Summed(s string) bool {
	i := strings.IndexByte(s, '_')
	body := s[i+1:]
	return len(body) != 36 || base62Sum(body[:30]) == body[30:]
}

// base36Sum is what GitLab's routable tokens end in, over all that is before.
//
// Source: GitLab, lib/authn/token_field/generator/routable_token.rb.
func base36Sum(head string) string {
	sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(head))), 36)
	return strings.Repeat("0", 7-len(sum)) + sum
}

// routable are GitLab's tokens of payload, version, length and checksum. The
// others, of 20 characters, have none.
var routable = lazy.Regexp(`^gl[a-z]+-[A-Za-z0-9_-]{27,300}\.[0-9a-z]{2}\.[0-9a-z]{9}$`)

func gitlabSummed(s string) bool {
	return !routable().MatchString(s) || base36Sum(s[:len(s)-7]) == s[len(s)-7:]
}

// littleSum is the CRC-32 in hexadecimal, its lowest byte first, which
// Grafana's tokens end in.
//
// Source: Grafana, pkg/components/satokengen.
func littleSum(head string) string {
	sum := crc32.ChecksumIEEE([]byte(head))
	return hex.EncodeToString([]byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)})
}

func grafanaSummed(s string) bool {
	i := strings.LastIndexByte(s, '_')
	return littleSum(s[:i]) == s[i+1:]
}

// bech32Digits are the digits of BIP 173.
const bech32Digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32Rest is the remainder of BIP 173's code over a text in lower case: 1
// exactly if its checksum, the last six digits, is right.
func bech32Rest(s string) uint32 {
	i := strings.LastIndexByte(s, '1')
	var values []byte
	for _, c := range []byte(s[:i]) {
		values = append(values, c>>5)
	}
	values = append(values, 0)
	for _, c := range []byte(s[:i]) {
		values = append(values, c&31)
	}
	for _, c := range []byte(s[i+1:]) {
		values = append(values, byte(strings.IndexByte(bech32Digits, c)))
	}
	rest := uint32(1)
	for _, v := range values {
		top := rest >> 25
		rest = rest&0x1ffffff<<5 ^ uint32(v)
		for bit, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>bit&1 == 1 {
				rest ^= g
			}
		}
	}
	return rest
}

func ageSummed(s string) bool { return bech32Rest(strings.ToLower(s)) == 1 }

// summed gives rules their checksums.
func summed(list []Rule) []Rule {
	for id, f := range map[string]func(string) bool{
		"github-token": base62Summed, "npm-token": base62Summed, "gitlab-token": gitlabSummed, "grafana-token": grafanaSummed, "age-key": ageSummed,
	} {
		i := slices.IndexFunc(list, func(r Rule) bool { return r.ID == id })
		list[i].sound = f
	}
	return list
}
