package pavise

import (
	"errors"
	"strings"
	"testing"
)

// The value of each of these is a secret, and none may stand in a log.
func TestQuerySecretsAreNotLogged(t *testing.T) {
	r := newRedactor([]string{"Kundennummer"})
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl"
	for _, q := range []string{
		"token=hunter2", "access_token=hunter2", "accessToken=hunter2", "ACCESS_TOKEN=hunter2", "api-key=hunter2", "apikey=hunter2",
		"accessKey=hunter2", "myapikey=hunter2", "user[password]=hunter2", "user%5Bpassword%5D=hunter2", "password2=hunter2",
		"password_confirmation=hunter2", "passwordConfirmation=hunter2", "PHPSESSID=hunter2", "JSESSIONID=hunter2", "id_token_hint=hunter2",
		"authCode=hunter2", "code=hunter2", "X-Amz-Signature=hunter2", "X-Amz-Security-Token=hunter2", "SAMLResponse=hunter2",
		"client_assertion=hunter2", "ticket=hunter2", "sig=hunter2", "p%61ssword=hunter2", "kundennummer=hunter2", "hunter2", "=a&hunter2",
		"next=/x?token=hunter2", "next=%2Fx%3Ftoken%3Dhunter2", "next=%252Fx%253Ftoken%253Dhunter2", "url=https://user:hunter2@host/",
		`filter={"password":"hunter2"}`, "filter=%7B%22password%22%3A%22hunter2%22%7D", "q=Bearer+hunter2", "q=bearer%20hunter2",
		strings.Repeat("k", 101) + "=hunter2",
	} {
		if got := r.query(q); strings.Contains(got, "hunter2") {
			t.Errorf("%s is logged as %s", q, got)
		}
	}
	for _, q := range []string{"x=" + jwt, jwt + "=", "x=ghp_0123456789abcdefABCDEF0123456789abcd", "x=AKIAIOSFODNN7EXAMPLE", "x=sk_live_0123456789abcdef"} {
		if got := r.query(q); len(got) > 20 {
			t.Errorf("%s is logged as %s", q, got)
		}
	}
	for _, q := range []string{"page=2&sort=name", "q=a+b", "monkey=1", "from=2024-01-01T10:00:00Z", "pinned=1", "keyboard=de", "barcode=7", "", "a=&b="} {
		if got := r.query(q); got != q {
			t.Errorf("%s is logged as %s", q, got)
		}
	}
	if got := r.query(strings.Repeat("a=1&", 10_000)); len(got) > maxLoggedQuery+20 {
		t.Errorf("%d bytes are logged", len(got))
	}
}

func TestPanicValuesAreNotLogged(t *testing.T) {
	for _, p := range []any{"hunter2", errors.New("hunter2"), []byte("hunter2"), struct{ Password string }{"hunter2"}} {
		if got := panicText(p); strings.Contains(got, "hunter2") {
			t.Errorf("%T is logged as %s", p, got)
		}
	}
	defer func() {
		if got := panicText(recover()); !strings.Contains(got, "out of range") {
			t.Errorf("the runtime's own panic is logged as %s", got)
		}
	}()
	i := len("hunter2")
	_ = "hunter2"[i]
}
