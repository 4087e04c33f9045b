package goinput

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var injection = &analysis.Rule{
	ID: "lint/go-sql-injection", Title: "SQL is put together from values", Severity: finding.Critical,
	Refs: []string{"CWE-89", "V1.2.4", "https://go.dev/doc/database/sql-injection"},
	Text: "Whoever chooses a part of the text of a query chooses what the database does: reads other tables, logs in as anybody, deletes.",
	Fix:  "Leave the value out of the text and pass it behind it: db.Query(\"… WHERE name = $1\", name). Take names of columns from a map of those that are allowed.",
	File: "store.go",
	Bad: `package main

import (
	"database/sql"
	"fmt"
	"net/http"
)

func search(db *sql.DB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rows, err := db.Query(fmt.Sprintf("SELECT id FROM items WHERE name = '%s'", r.URL.Query().Get("name")))
		reply(w, rows, err)
	}
}
`,
	Good: `package main

import (
	"database/sql"
	"net/http"
)

func search(db *sql.DB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rows, err := db.Query("SELECT id FROM items WHERE name = $1", r.URL.Query().Get("name"))
		reply(w, rows, err)
	}
}
`,
}

var command = &analysis.Rule{
	ID: "lint/go-command-injection", Title: "A command is made from what a client sent", Severity: finding.Critical,
	Refs: []string{"CWE-78", "V1.2.5"},
	Text: "A shell reads ; and $( ) as its own language: whoever sends them runs programs with the rights of the service.",
	Fix:  "Call the program without a shell, each argument for itself: exec.Command(\"ping\", \"-c\", \"1\", \"--\", host), and choose programs from a list.",
	File: "ping.go",
	Bad: `package main

import (
	"net/http"
	"os/exec"
)

func ping(w http.ResponseWriter, r *http.Request) {
	out, err := exec.Command("sh", "-c", "ping -c 1 "+r.FormValue("host")).CombinedOutput()
	reply(w, out, err)
}
`,
	Good: `package main

import (
	"net/http"
	"os/exec"
)

func ping(w http.ResponseWriter, r *http.Request) {
	out, err := exec.Command("ping", "-c", "1", "--", r.FormValue("host")).CombinedOutput()
	reply(w, out, err)
}
`,
}

var traversal = &analysis.Rule{
	ID: "lint/go-path-traversal", Title: "A client chooses which file is opened", Severity: finding.High,
	Refs: []string{"CWE-22", "CWE-73", "V5.3.2", "https://go.dev/blog/osroot"},
	Text: "filepath.Join and Clean resolve .. and do not stop at the folder: ../../etc/passwd is a name like any other.",
	Fix:  "Open the folder once with os.OpenRoot and the file with root.Open; or refuse names for which filepath.IsLocal is false; or keep files under names of your own.",
	File: "files.go",
	Bad: `package main

import (
	"net/http"
	"os"
	"path/filepath"
)

func download(w http.ResponseWriter, r *http.Request) {
	data, err := os.ReadFile(filepath.Join("/srv/files", r.URL.Query().Get("name")))
	reply(w, data, err)
}
`,
	Good: `package main

import (
	"net/http"
	"os"
	"path/filepath"
)

func download(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if !filepath.IsLocal(name) {
		http.NotFound(w, r)
		return
	}
	data, err := os.ReadFile(filepath.Join("/srv/files", name))
	reply(w, data, err)
}
`,
}

var zipSlip = &analysis.Rule{
	ID: "lint/go-zip-slip", Title: "An archive chooses where its files go", Severity: finding.High,
	Refs: []string{"CWE-22", "V5.3.3"},
	Text: "Names in a zip or a tar may hold .. or begin with /: what is unpacked then replaces files elsewhere, programs and keys among them.",
	Fix:  "Unpack through os.OpenRoot, or skip each name for which filepath.IsLocal is false.",
	File: "unpack.go",
	Bad: `package main

import (
	"archive/zip"
	"os"
	"path/filepath"
)

func unpack(archive, to string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if err := os.MkdirAll(filepath.Join(to, f.Name), 0o755); err != nil {
			return err
		}
	}
	return nil
}
`,
	Good: `package main

import (
	"archive/zip"
	"os"
	"path/filepath"
)

func unpack(archive, to string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if !filepath.IsLocal(f.Name) {
			continue
		}
		if err := os.MkdirAll(filepath.Join(to, f.Name), 0o755); err != nil {
			return err
		}
	}
	return nil
}
`,
}

var ssrf = &analysis.Rule{
	ID: "lint/go-ssrf", Title: "A client chooses where the server connects to", Severity: finding.High,
	Refs: []string{"CWE-918", "API7", "V1.3.6", "V13.2.4"},
	Text: "The server reaches what its client does not: databases, other services, and the address at which a cloud gives out its keys.",
	Fix:  "Compare the host with a list before the call; where any host may be named, use a net.Dialer whose Control refuses addresses that are not public.",
	File: "fetch.go",
	Bad: `package main

import "net/http"

func preview(w http.ResponseWriter, r *http.Request) {
	resp, err := http.Get(r.URL.Query().Get("url"))
	reply(w, resp, err)
}
`,
	Good: `package main

import (
	"net/http"
	"net/url"
)

func preview(w http.ResponseWriter, r *http.Request) {
	resp, err := http.Get("https://images.example.com/" + url.PathEscape(r.URL.Query().Get("name")))
	reply(w, resp, err)
}
`,
}

var redirect = &analysis.Rule{
	ID: "lint/go-open-redirect", Title: "A client is sent wherever a link says", Severity: finding.Medium,
	Refs: []string{"CWE-601", "V3.7.2"},
	Text: "A link to your own site that ends on another lends it your name: for a false login page, or to take a token with it.",
	Fix:  "Accept paths only: refuse what does not begin with one slash, or compare the host with your own.",
	File: "login.go",
	Bad: `package main

import "net/http"

func done(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.Query().Get("next"), http.StatusFound)
}
`,
	Good: `package main

import "net/http"

func done(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/orders/"+r.URL.Query().Get("id"), http.StatusFound)
}
`,
}

var xss = &analysis.Rule{
	ID: "lint/go-xss", Title: "What a client sent is put into a page as it is", Severity: finding.High,
	Refs: []string{"CWE-79", "V1.2.1"},
	Text: "A script that is sent in a link runs in the page as if it were yours, with the cookies and the rights of whoever opened it.",
	Fix:  "Write pages with html/template, and answer everything else with its own Content-Type: application/json, or text/plain.",
	File: "page.go",
	Bad: `package main

import (
	"fmt"
	"net/http"
)

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "<h1>Hello, %s</h1>", r.FormValue("name"))
}
`,
	Good: `package main

import (
	"fmt"
	"html"
	"net/http"
)

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "<h1>Hello, %s</h1>", html.EscapeString(r.FormValue("name")))
}
`,
}

var mailHead = &analysis.Rule{
	ID: "lint/go-email-header-injection", Title: "What a client sent goes into the head of a mail as it came", Severity: finding.High,
	Refs: []string{"CWE-93", "V1.3.11", "RFC 5322 section 2.2", "https://pkg.go.dev/net/smtp#SendMail"},
	Text: "net/smtp sends the message as it is: a line break in a subject ends the header, and what follows is a Bcc to thousands, another From, or a body of the sender's choice.",
	Fix:  "Refuse values with \\r or \\n, and write them with mime.QEncoding.Encode(\"utf-8\", subject); addresses with mail.ParseAddress.",
	File: "share.go",
	Bad: `package main

import (
	"fmt"
	"net/http"
	"net/smtp"
)

func share(w http.ResponseWriter, r *http.Request) {
	msg := fmt.Sprintf("Subject: %s\r\n\r\nHave a look.", r.FormValue("subject"))
	reply(w, smtp.SendMail("mail:25", nil, "shop@example.com", []string{"a@example.com"}, []byte(msg)))
}
`,
	Good: `package main

import (
	"fmt"
	"mime"
	"net/http"
	"net/smtp"
)

func share(w http.ResponseWriter, r *http.Request) {
	msg := fmt.Sprintf("Subject: %s\r\n\r\nHave a look.", mime.QEncoding.Encode("utf-8", r.FormValue("subject")))
	reply(w, smtp.SendMail("mail:25", nil, "shop@example.com", []string{"a@example.com"}, []byte(msg)))
}
`,
}
