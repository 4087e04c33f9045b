package passwords

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the service is asked by SHA-1
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// Online asks a range service by k-anonymity, as Have I Been Pwned's is: it is
// sent the first five of forty digits of a password's SHA-1, and answers with
// all it knows that begin so. It is never asked unless it is put into [Rules].
type Online struct {
	// URL of the ranges, to which the five digits are added, such as
	// https://api.example.com/range/.
	URL string
	// Client asks; nil means one with a timeout of three seconds.
	Client *http.Client
}

// maxRange bounds an answer, in bytes; they have some 60 KB.
const maxRange = 1 << 20

// Contains asks the service.
func (o *Online) Contains(password secret.String) (bool, error) {
	return o.ContainsContext(context.Background(), password)
}

// ContainsContext is Contains with a context.
func (o *Online) ContainsContext(ctx context.Context, password secret.String) (bool, error) {
	sum := sha1.Sum([]byte(password.Expose())) //nolint:gosec // see above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL+digits[:5], nil)
	if err != nil {
		return false, errors.New("the service's URL is none")
	}
	// Padded, so that the length of the answer does not tell the range.
	req.Header.Set("Add-Padding", "true")
	client := o.Client
	if client == nil {
		client = &http.Client{Timeout: 3 * time.Second}
	}
	res, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the service answers %s", res.Status)
	}
	found := false
	scanner := bufio.NewScanner(io.LimitReader(res.Body, maxRange))
	for scanner.Scan() {
		rest, count, ok := strings.Cut(strings.TrimSpace(scanner.Text()), ":")
		if !ok || len(rest) != 35 {
			return false, errors.New("the service's answer is none of a range")
		}
		if strings.EqualFold(rest, digits[5:]) && strings.TrimSpace(count) != "0" {
			found = true
		}
	}
	return found, scanner.Err()
}
