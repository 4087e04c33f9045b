package gateway

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/pavise-dev/pavise"
)

// admin serves health, readiness, metrics and the report. It stands behind a
// strict policy of its own: a page in the operator's browser must not be able
// to read it by rebinding a name.
func (g *Gateway) admin(listen string) (http.Handler, *pavise.Guard, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /-/healthz", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /-/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := g.unready(); why != "" {
			plain(w, http.StatusServiceUnavailable, why+"\n")
			return
		}
		plain(w, http.StatusOK, "ready\n")
	})
	mux.Handle("GET /-/metrics", g.metrics.handler())
	mux.HandleFunc("GET /-/report", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(Report{Since: g.started, Tallies: g.tallies.list()})
	})
	policy := pavise.Policy{Gateway: pavise.Gateway{Listen: listen}}
	if !loopback(listen) {
		// Scrapers and orchestrators come by address.
		policy.Hosts.DangerouslyAllowAny = true
	}
	// TLS is not for this address: it is private, or it is loopback.
	policy.HTTPS.InsecureAllowPlain = true
	guard, err := pavise.New(policy)
	if err != nil {
		return nil, nil, err
	}
	return mux, guard, nil
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
