// Command goservice is a small Go service that hardens itself: the same
// policy that a gateway would enforce stands in front of its handler.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard/jsonbody"
)

//go:embed pavise.yaml
var policyText []byte

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	policy, err := pavise.Parse(policyText)
	if err != nil {
		return err
	}
	guard, err := pavise.NewWith(policy, pavise.Options{
		AccessLog: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", policy.Gateway.Listen)
	if err != nil {
		return err
	}
	// The server has the policy's timeouts, and the listener lets no
	// ambiguous HTTP/1 request reach it.
	srv := guard.Server(newAPI())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(guard.Listener(l)) }()
	log.Printf("serving http://%s, answering to %v", l.Addr(), guard.Answers())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// order is what a client may send. Unknown members, other types and longer
// texts are refused, each with its JSON pointer.
type order struct {
	Item  string `json:"item" pavise:"min=1,max=100"`
	Count int    `json:"count" pavise:"min=1,max=1000"`
}

// newAPI returns the service itself, which knows nothing of the policy.
func newAPI() http.Handler {
	var (
		mu     sync.Mutex
		orders []order
	)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("POST /api/orders", func(w http.ResponseWriter, r *http.Request) {
		o, err := jsonbody.Decode[order](r, jsonbody.Options{})
		if err != nil {
			jsonbody.WriteError(w, r, err)
			return
		}
		mu.Lock()
		orders = append(orders, o)
		id := len(orders)
		mu.Unlock()
		w.Header().Set("Location", "/api/orders/"+strconv.Itoa(id))
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("GET /api/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		mu.Lock()
		defer mu.Unlock()
		if err != nil || id < 1 || id > len(orders) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, "{\"id\":%d,\"item\":%q,\"count\":%d}\n", id, orders[id-1].Item, orders[id-1].Count)
	})
	return mux
}
