// Command peer is what the bench needs from the standard library: with
// -upstream httputil.ReverseProxy and nothing else, as a gateway to compare
// with, and without it a small JSON service, as an upstream that costs what a
// service in Go costs.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
)

func main() {
	listen := flag.String("listen", "", "address to serve")
	upstream := flag.String("upstream", "", "URL to carry to; empty serves JSON")
	flag.Parse()
	if *upstream == "" {
		log.Fatal(http.ListenAndServe(*listen, service()))
	}
	target, err := url.Parse(*upstream)
	if err != nil {
		log.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256
	transport.DisableCompression = true
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
	}
	log.Fatal(http.ListenAndServe(*listen, proxy))
}

// order is what the service answers: the text of nginx's upstream.
type order struct {
	ID    int    `json:"id"`
	Item  string `json:"item"`
	Count int    `json:"count"`
	Paid  bool   `json:"paid"`
}

// service answers as a handler of one line does that somebody wrote without a
// thought of speed: a router, and an encoder for each answer.
func service() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(order{ID: id, Item: "lamp", Count: 2, Paid: true}) // the client is gone
	})
	return mux
}
