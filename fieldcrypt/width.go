package fieldcrypt

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/base64"
)

// Width is the length of a token of a value of n bytes, in characters, each
// one byte: what a column must hold. It is 0 for an unknown format or n < 0.
func Width(f Format, n int) int {
	switch {
	case n < 0:
		return 0
	case f == V1:
		return len(v1Prefix) + base64.RawURLEncoding.EncodedLen(idSize+nonceSize+n+tagSize)
	case f == Fernet:
		return base64.URLEncoding.EncodedLen(fernetHead + (n/aes.BlockSize+1)*aes.BlockSize + sha256.Size)
	}
	return 0
}

// Capacity is how many bytes the longest value has whose token fits a column
// of width characters: 303 for Fernet in SQLAlchemy's String(500). Note that a
// character can have four bytes. It is -1 if not even an empty value fits.
func Capacity(f Format, width int) int {
	// A token is never shorter than its value.
	low, high := -1, width
	for low < high {
		mid := low + (high-low+1)/2
		if w := Width(f, mid); w > 0 && w <= width {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}
