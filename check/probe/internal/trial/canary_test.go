package trial

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

func TestCanary(t *testing.T) {
	tr := New(Options{Document: &openapi.Document{}})
	c, err := tr.Canary()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := tr.Canary(); again != c {
		t.Error("there are two")
	}
	one, two := c.Token(tr), c.Token(tr)
	c.Serve(one, "application/json", []byte(`{"keys":[]}`))
	go func() {
		res, err := http.Get(c.URL(one) + "/jwks.json")
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}()
	if hits := c.Wait(context.Background(), one, 5*time.Second); len(hits) != 1 || hits[0].Path != "/"+one+"/jwks.json" {
		t.Errorf("hits are %v", hits)
	}
	if len(c.Hits(two)) != 0 || len(c.Wait(context.Background(), two, time.Millisecond)) != 0 {
		t.Error("nobody asked for the other")
	}
	if c.Six() {
		res, err := http.Get(fmt.Sprintf("http://[::1]:%d/%s", c.Port(), two))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if len(c.Hits(two)) != 1 {
			t.Error("what comes by ::1 is not noted")
		}
	}
	tr.Close()
	tr.Close()
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		if _, err := http.Get(fmt.Sprintf("http://%s:%d/%s", host, c.Port(), one)); err == nil {
			t.Error("it still answers at", host)
		}
	}
}
