package pavisetest

import (
	"crypto/sha1" // RFC 6455 section 4.2.2 asks for it
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Unhardened returns a small API with the flaws of a service that nobody has
// hardened: it names its server, sends no security headers, shows its
// documentation and its stack traces, reads a body of any type and size,
// answers to any host, believes any forwarding header and lets any origin in.
// A promise that it keeps proves nothing.
//
// It is for demonstrations and for tests of promises, on loopback only.
func Unhardened() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"service": "orders", "version": "1.4.2"})
	})
	mux.HandleFunc("/api/orders", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			reply(w, http.StatusOK, []any{map[string]any{"id": 1, "item": "lamp", "price": 42}})
			return
		}
		var order map[string]any
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
		if err == nil {
			err = json.Unmarshal(body, &order)
		}
		if err != nil {
			reply(w, http.StatusUnprocessableEntity, map[string]any{"detail": err.Error()})
			return
		}
		reply(w, http.StatusCreated, map[string]any{"id": 2, "order": order})
	})
	mux.HandleFunc("/api/me", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "demo"}) // without its flags
		reply(w, http.StatusOK, map[string]any{"name": "demo", "email": "demo@example.com"})
	})
	mux.HandleFunc("/docs", func(w http.ResponseWriter, _ *http.Request) { page(w, "swagger-ui") })
	mux.HandleFunc("/redoc", func(w http.ResponseWriter, _ *http.Request) { page(w, "redoc") })
	mux.HandleFunc("/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"openapi": "3.1.0", "info": map[string]any{"title": "orders", "version": "1.4.2"}, "paths": map[string]any{}})
	})
	mux.HandleFunc("/crash", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 41, in crash\nZeroDivisionError: division by zero\n")
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(50 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			greet(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 64<<20))
		reply(w, http.StatusNotFound, map[string]any{"detail": "Not Found"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Server", "uvicorn")
		h.Set("X-Powered-By", "FastAPI/0.92.0")
		h.Set("X-XSS-Protection", "1; mode=block")
		h.Set("X-DNS-Prefetch-Control", "on")
		h.Set("Cache-Control", "public, max-age=600")
		// The worst of CORS: whoever asks is let in, with his cookies.
		if origin := r.Header.Get("Origin"); origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "*")
				h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
				w.WriteHeader(http.StatusOK)
				return
			}
		}
		// A forwarding header that anyone may send decides what is secure.
		if r.Header.Get("X-Forwarded-Proto") == "https" {
			h.Set("Strict-Transport-Security", "max-age=0")
		}
		// The path rules look at one reading of the path, the router at another.
		if r.Method == http.MethodTrace {
			h.Set("Content-Type", "message/http")
			_ = r.Header.Write(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func page(w http.ResponseWriter, kind string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<title>orders</title>\n<div id=%q></div>\n<script src=\"https://cdn.jsdelivr.net/npm/%s\"></script>\n", kind, kind)
}

// greet accepts a WebSocket from anywhere, says hello and closes.
func greet(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-Websocket-Key")
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		reply(w, http.StatusInternalServerError, map[string]any{"detail": err.Error()})
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, _ = fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	_, _ = rw.Write([]byte{0x81, 5, 'h', 'e', 'l', 'l', 'o', 0x88, 0})
	_ = rw.Flush()
}
