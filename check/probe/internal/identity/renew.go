package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// Renewing is Again, with the token that the login gave to renew others with;
// it is empty where there is none.
func (i *Identity) Renewing(ctx context.Context, client *traffic.Client) (*Identity, string, error) {
	if i.Login == nil {
		return nil, "", ErrNoLogin
	}
	c := i.Clone()
	e, err := c.logIn(ctx, client)
	if err != nil {
		return nil, "", err
	}
	return c, Renewal(e), nil
}

// Renewal is the token in the answer to a login that renews others; empty where
// there is none.
func Renewal(e *traffic.Exchange) string {
	var body any
	if json.NewDecoder(bytes.NewReader(e.Body)).Decode(&body) != nil {
		return ""
	}
	var find func(v any, depth int) string
	find = func(v any, depth int) string {
		m, ok := v.(map[string]any)
		if !ok || depth > 4 {
			return ""
		}
		names := slices.Sorted(maps.Keys(m))
		for _, k := range names {
			name := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(k))
			renews := name == "refresh" || strings.Contains(name, "refresh") && strings.Contains(name, "token") && !strings.Contains(name, "expir")
			if s, ok := m[k].(string); ok && renews && len(s) >= 16 && !strings.ContainsAny(s, " \r\n") {
				return s
			}
		}
		for _, k := range names {
			if s := find(m[k], depth+1); s != "" {
				return s
			}
		}
		return ""
	}
	return find(body, 0)
}
