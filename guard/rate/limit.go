package rate

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Limit is a number of requests in a time. As text it is "100/s", "5/m",
// "1000/h" or "10000/d". The zero Limit means the default.
type Limit struct {
	Count int
	Per   time.Duration // a second, a minute, an hour or a day
}

const day = 24 * time.Hour

// unit returns the length of a unit of Limit's text, or 0.
func unit(s string) time.Duration {
	switch s {
	case "s":
		return time.Second
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	case "d":
		return day
	}
	return 0
}

// most is the largest count of a Limit: its interval is whole nanoseconds.
const most = 1_000_000

// UnmarshalText reads a limit.
func (l *Limit) UnmarshalText(text []byte) error {
	count, per, _ := strings.Cut(string(text), "/")
	n, err := strconv.ParseUint(count, 10, 31)
	if d := unit(per); err == nil && d != 0 {
		*l = Limit{int(n), d}
		return l.check()
	}
	return fmt.Errorf("%.40q is not a rate: want a whole number of requests in a second, minute, hour or day, such as 100/s, 5/m, 1000/h or 10000/d", text)
}

// MarshalText writes the limit.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

func (l Limit) String() string {
	for _, u := range []string{"s", "m", "h", "d"} {
		if unit(u) == l.Per {
			return strconv.Itoa(l.Count) + "/" + u
		}
	}
	return fmt.Sprintf("%d/%s", l.Count, l.Per)
}

// IsZero reports whether the limit is the zero one, which encoders leave out.
func (l Limit) IsZero() bool { return l == Limit{} }

func (l Limit) check() error {
	if l.Count < 1 || l.Count > most || l.Per != time.Second && l.Per != time.Minute && l.Per != time.Hour && l.Per != day {
		return fmt.Errorf("%s is not a rate: want from 1 to %d requests in a second, minute, hour or day, such as 5/m", l, most)
	}
	return nil
}

// interval is the time in which the limit gives back one request, rounded up:
// never sooner.
func (l Limit) interval() time.Duration {
	return (l.Per + time.Duration(l.Count) - 1) / time.Duration(l.Count)
}
