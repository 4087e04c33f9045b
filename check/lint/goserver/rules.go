package goserver

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var timeouts = &analysis.Rule{
	ID: "lint/go-server-timeouts", Title: "A server waits for slow clients for ever", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-400", "API4", "https://pkg.go.dev/net/http#Server"},
	Text:   "net/http's zero value has no timeouts: a few thousand connections that send a byte a minute hold all its files and goroutines.",
	Fix:    "Make an http.Server of your own with ReadHeaderTimeout, ReadTimeout, WriteTimeout and IdleTimeout.",
	Pavise: "limits", Guard: "limits",
	File: "main.go",
	Bad: `package main

import "net/http"

func main() {
	http.HandleFunc("/", index)
	panic(http.ListenAndServe(":8080", nil))
}
`,
	Good: `package main

import (
	"net/http"
	"time"
)

func main() {
	s := &http.Server{Addr: ":8080", Handler: routes(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	panic(s.ListenAndServe())
}
`,
}

var bodyLimit = &analysis.Rule{
	ID: "lint/go-body-limit", Title: "Bodies are read without a bound", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-770", "API4", "V5.2.1", "V15.2.2"},
	Text:   "net/http hands on as many bytes as a client sends: one request with gigabytes of JSON ends the process.",
	Fix:    "Set r.Body = http.MaxBytesReader(w, r.Body, 1<<20) before it is read, or wrap the router in http.MaxBytesHandler.",
	Pavise: "limits.body", Guard: "limits",
	File: "items.go",
	Bad: `package main

import (
	"encoding/json"
	"net/http"
)

func create(w http.ResponseWriter, r *http.Request) {
	var in item
	err := json.NewDecoder(r.Body).Decode(&in)
	reply(w, in, err)
}
`,
	Good: `package main

import (
	"encoding/json"
	"net/http"
)

func create(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	var in item
	err := json.NewDecoder(r.Body).Decode(&in)
	reply(w, in, err)
}
`,
}

var clients = &analysis.Rule{
	ID: "lint/go-default-client", Title: "Calls of other servers have no timeout", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-1088", "CWE-400", "API4", "V13.2.6"},
	Text: "http.Get and the zero http.Client wait as long as the other side likes: when it hangs, so does every request that needs it.",
	Fix:  "Use a client of your own with a Timeout, or requests with a context that ends.",
	File: "price.go",
	Bad: `package main

import "net/http"

func price(w http.ResponseWriter, r *http.Request) {
	resp, err := http.Get("https://prices.example.com/today")
	reply(w, resp, err)
}

func main() { http.HandleFunc("/price", price) }
`,
	Good: `package main

import (
	"net/http"
	"time"
)

var client = &http.Client{Timeout: 5 * time.Second}

func price(w http.ResponseWriter, r *http.Request) {
	resp, err := client.Get("https://prices.example.com/today")
	reply(w, resp, err)
}

func main() { http.HandleFunc("/price", price) }
`,
}

var proxies = &analysis.Rule{
	ID: "lint/go-trusted-proxies", Title: "The address of a client is what it says", Severity: finding.Low, Kind: analysis.Posture,
	Refs:   []string{"CWE-348", "CWE-290", "V4.1.3", "V15.3.4", "https://pkg.go.dev/github.com/gin-gonic/gin#readme-don-t-trust-all-proxies"},
	Text:   "X-Forwarded-For is a header like any other: when it is believed from everybody, limits and logs count addresses that the client makes up.",
	Fix:    "Name the proxies: router.SetTrustedProxies([]string{\"10.0.0.2\"}), or nil when there is none; e.IPExtractor = echo.ExtractIPDirect().",
	Pavise: "clientip.trust", Guard: "clientip",
	File: "main.go",
	Bad: `package main

import "github.com/gin-gonic/gin"

func main() {
	r := gin.Default()
	r.GET("/", func(c *gin.Context) { log(c.ClientIP()) })
}
`,
	Good: `package main

import "github.com/gin-gonic/gin"

func main() {
	r := gin.Default()
	r.SetTrustedProxies([]string{"10.0.0.2"})
	r.GET("/", func(c *gin.Context) { log(c.ClientIP()) })
}
`,
}

var origins = &analysis.Rule{
	ID: "lint/go-cors", Title: "Other sites may read the answers", Severity: finding.High,
	Refs:   []string{"CWE-942", "CWE-346", "API8", "V3.4.2"},
	Text:   "Where every origin is allowed with credentials, any page that a logged-in user visits reads and does what that user may.",
	Fix:    "Compare the origin with a list of your own pages before it is sent back, and add Vary: Origin.",
	Pavise: "origins.allow",
	File:   "cors.go",
	Bad: `package main

import "net/http"

func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		next.ServeHTTP(w, r)
	})
}
`,
	Good: `package main

import "net/http"

var allowed = map[string]bool{"https://shop.example.com": true}

func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); allowed[origin] {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		next.ServeHTTP(w, r)
	})
}
`,
}

var cookies = &analysis.Rule{
	ID: "lint/go-cookie-flags", Title: "A session cookie lacks its flags", Severity: finding.Medium,
	Refs: []string{"CWE-614", "CWE-1004", "API8", "V3.3.1", "V3.3.4"},
	Text: "Without HttpOnly a script reads the cookie, without Secure it is sent over plain HTTP: whoever has it is the user.",
	Fix:  "Set HttpOnly: true, Secure: true and SameSite: http.SameSiteLaxMode, and begin its name with __Host-.",
	File: "login.go",
	Bad: `package main

import "net/http"

func remember(w http.ResponseWriter, token string) {
	http.SetCookie(w, &http.Cookie{Name: "session", Value: token, Path: "/"})
}
`,
	Good: `package main

import "net/http"

func remember(w http.ResponseWriter, token string) {
	http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: token, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
}
`,
}

var pprof = &analysis.Rule{
	ID: "lint/go-pprof", Title: "Profiles are open to everybody", Severity: finding.Medium,
	Refs: []string{"CWE-497", "CWE-489", "API8", "V13.4.5"},
	Text: "net/http/pprof gives out the command line and dumps of all that runs, and each profile that is asked for costs a processor for half a minute.",
	Fix:  "Put it on a mux and a server of its own that listens on localhost, or behind the login of administrators.",
	File: "main.go",
	Bad: `package main

import (
	"net/http"
	_ "net/http/pprof"
)

func main() {
	http.HandleFunc("/", index)
	panic(http.ListenAndServe(":8080", nil))
}
`,
	Good: `package main

import (
	"net/http"
	_ "net/http/pprof"
)

func main() {
	go http.ListenAndServe("localhost:6060", nil)
	mux := http.NewServeMux()
	mux.HandleFunc("/", index)
	panic(http.ListenAndServe(":8080", mux))
}
`,
}

var files = &analysis.Rule{
	ID: "lint/go-file-server", Title: "A folder is served with more than is meant", Severity: finding.High,
	Refs: []string{"CWE-538", "CWE-548", "V13.4.1", "V13.4.3", "V13.4.7"},
	Text: "From the working folder the source, .env, .git and the database can be fetched; http.FileServer lists folders besides.",
	Fix:  "Serve a folder that holds nothing but public files, or an embed.FS.",
	File: "main.go",
	Bad: `package main

import "net/http"

func main() {
	http.Handle("/", http.FileServer(http.Dir(".")))
}
`,
	Good: `package main

import "net/http"

func main() {
	http.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir("./public"))))
}
`,
}

var debug = &analysis.Rule{
	ID: "lint/go-debug-mode", Title: "The service runs in debug mode", Severity: finding.Medium,
	Refs: []string{"CWE-489", "CWE-497", "API8", "V13.4.2"},
	Text: "What helps a developer helps whoever looks for a way in: answers and pages tell of the inside.",
	Fix:  "Take the mode from the environment, and let it be release when nothing is said.",
	File: "main.go",
	Bad: `package main

import "github.com/gin-gonic/gin"

func main() {
	gin.SetMode(gin.DebugMode)
	gin.New().Run()
}
`,
	Good: `package main

import "github.com/gin-gonic/gin"

func main() {
	gin.SetMode(gin.ReleaseMode)
	gin.New().Run()
}
`,
}

var unpack = &analysis.Rule{
	ID: "lint/go-unpack-unbounded", Title: "What a client packed is unpacked without a bound", Severity: finding.Medium,
	Refs: []string{"CWE-409", "API4", "V5.2.3"},
	Text: "A few hundred kilobytes of gzip unpack to gigabytes: a bound on the body does not hold for what comes out, and one request takes the memory or the disk.",
	Fix:  "Bound what comes out: io.ReadAll(io.LimitReader(zr, max+1)), and refuse what is longer than max.",
	File: "tracks.go",
	Bad: `package main

import (
	"compress/gzip"
	"io"
	"net/http"
)

func tracks(w http.ResponseWriter, r *http.Request) {
	zr, err := gzip.NewReader(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "no gzip", http.StatusBadRequest)
		return
	}
	data, err := io.ReadAll(zr)
	reply(w, data, err)
}
`,
	Good: `package main

import (
	"compress/gzip"
	"io"
	"net/http"
)

func tracks(w http.ResponseWriter, r *http.Request) {
	zr, err := gzip.NewReader(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "no gzip", http.StatusBadRequest)
		return
	}
	data, err := io.ReadAll(io.LimitReader(zr, 8<<20))
	reply(w, data, err)
}
`,
}
