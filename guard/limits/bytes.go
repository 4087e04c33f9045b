package limits

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a number of bytes. As text it is a whole number, alone or with a
// unit: KiB, MiB, GiB and TiB count by 1,024, kB (or KB), MB, GB and TB by
// 1,000, B by one. "10MiB", "512KiB", "1MB" and "4096" are such texts.
type Bytes int64

// units, the largest of each kind first, binary before decimal: the order in
// which MarshalText tries them.
func units() []struct {
	name string
	size int64
} {
	return []struct {
		name string
		size int64
	}{
		{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
	}
}

// UnmarshalText reads a number of bytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := string(text)
	digits := strings.TrimRight(s, "BKMGTik")
	unit := s[len(digits):]
	size := int64(0)
	if unit == "" {
		size = 1
	}
	for _, u := range units() {
		if u.name == unit {
			size = u.size
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || size == 0 {
		return fmt.Errorf("%.40q is not a number of bytes: want a whole number, alone or with a unit, such as 4096, 512KiB or 10MiB", s)
	}
	if int64(n) > math.MaxInt64/size {
		return fmt.Errorf("%.40q is more bytes than anything has", s)
	}
	*b = Bytes(int64(n) * size)
	return nil
}

// MarshalText writes the number in the largest unit that divides it.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

func (b Bytes) String() string {
	for _, u := range units() {
		if b > 0 && int64(b)%u.size == 0 && u.size > 1 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// UnmarshalYAML reads it from a YAML scalar, be it a string or a number.
func (b *Bytes) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		return b.UnmarshalText([]byte(v))
	case uint64, int64, int:
		return b.UnmarshalText(fmt.Append(nil, v))
	}
	return fmt.Errorf("%T is not a number of bytes: want a whole number, alone or with a unit, such as 4096, 512KiB or 10MiB", v)
}
