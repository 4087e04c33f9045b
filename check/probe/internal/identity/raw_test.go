package identity

import "testing"

// TestReadRaw: a body that is a name and a password is taken apart, and one
// that may hold another secret stays hidden as a whole.
func TestReadRaw(t *testing.T) {
	for raw, c := range map[string]struct {
		kind, username, password string
	}{
		`{"email":"a@b.test","password":"x"}`:                     {jsonType, "a@b.test", "x"},
		`grant_type=password&username=a%40b.test&password=x`:      {formType, "a@b.test", "x"},
		`{"email":"a@b.test","password":"x","client_secret":"y"}`: {jsonType, "", ""},
		`{"email":"a@b.test","password":"x","n":1}`:               {jsonType, "", ""},
		`{"email":"a@b.test"}`:                                    {jsonType, "", ""},
	} {
		l := &Login{Type: c.kind, Raw: raw}
		l.read()
		if l.Username != c.username || l.Password != c.password || (l.Raw == raw) != (c.username == "") {
			t.Errorf("%s: %q %q %q", raw, l.Username, l.Password, l.Raw)
		}
	}
}
