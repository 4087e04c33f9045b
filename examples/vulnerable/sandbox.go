package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What an attacker gets hold of here is made of strings. Nothing of it touches
// the machine that it runs on.

// disk is what a file system would hold.
var disk = map[string]string{
	"/srv/files/welcome.txt":     "Welcome.\n",
	"/srv/files/guide/start.txt": "Begin here.\n",
	"/etc/passwd":                "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
}

// readFile opens what a client names below a directory, or anywhere else.
func readFile(name string) (string, bool) {
	text, ok := disk[path.Join("/srv/files", name)]
	return text, ok
}

var arithmetic = regexp.MustCompile(`\$\(\(\s*(\d{1,9})\s*\*\s*(\d{1,9})\s*\)\)`)

func product(a, b string) string {
	x, _ := strconv.ParseInt(a, 10, 64)
	y, _ := strconv.ParseInt(b, 10, 64)
	return strconv.FormatInt(x*y, 10)
}

// shell is a pretended one: it splits a line into commands, knows quotes,
// products of two numbers and $(echo …), and of all programs echo alone.
func shell(line string) string {
	var out strings.Builder
	for _, command := range commands(line) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(command), "echo "); ok {
			out.WriteString(words(rest) + "\n")
		} else if name, _, _ := strings.Cut(strings.TrimSpace(command), " "); name == "ping" {
			out.WriteString(words(command) + ": 1 packet transmitted\n")
		} else if name != "" {
			out.WriteString("sh: " + name + ": not found\n")
		}
	}
	return out.String()
}

// commands are what stands between |, ;, & and the ends of lines, outside of
// quotes.
func commands(line string) []string {
	var out []string
	quote, depth, from := rune(0), 0, 0
	for i, c := range line {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth <= 0 && strings.ContainsRune("|;&\n", c):
			out = append(out, line[from:i])
			from = i + 1
		}
	}
	return append(out, line[from:])
}

var substitution = regexp.MustCompile("\\$\\(echo ([^()]*(?:\\(\\([^()]*\\)\\))?)\\)|`echo ([^`]*)`")

// words expands what is not in single quotes, and takes the quotes away.
func words(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "'") {
		if i%2 == 0 {
			part = substitution.ReplaceAllString(part, "$1$2")
			part = arithmetic.ReplaceAllStringFunc(part, func(s string) string {
				m := arithmetic.FindStringSubmatch(s)
				return product(m[1], m[2])
			})
			part = strings.ReplaceAll(part, `"`, "")
		}
		out.WriteString(part)
	}
	return out.String()
}

var placeholder = regexp.MustCompile(`\{\{\s*(\d{1,9})\s*\*\s*(\d{1,9})\s*\}\}`)

// fillIn works out products between braces.
func fillIn(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		return product(m[1], m[2])
	})
}

var (
	times  = regexp.MustCompile(`^\s*(\d{1,9})\s*\*\s*(\d{1,9})\s*$`)
	lambda = regexp.MustCompile(`^\s*\(lambda:(.*)\)\(\)\s*$`)
)

// evaluate is of a language that has functions: (lambda: 6*7)().
func evaluate(text string) (string, bool) {
	if m := lambda.FindStringSubmatch(text); m != nil {
		return evaluate(m[1])
	}
	if m := times.FindStringSubmatch(text); m != nil {
		return product(m[1], m[2]), true
	}
	return "", false
}

// fetch asks a loopback address, and none else.
func fetch(ctx context.Context, target string) (string, error) {
	text, _, err := fetchOnce(ctx, target)
	return text, err
}

// follow goes where it is sent.
func follow(ctx context.Context, target string) (string, error) {
	for range 3 {
		text, next, err := fetchOnce(ctx, target)
		if err != nil || next == "" {
			return text, err
		}
		target = next
	}
	return "", errors.New("it is sent on and on")
}

func fetchOnce(ctx context.Context, target string) (text, next string, err error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", "", err
	}
	if u.Scheme == "file" {
		text, ok := disk[u.Path]
		if !ok {
			return "", "", fmt.Errorf("no such file: %s", u.Path)
		}
		return text, "", nil
	}
	host, err := netip.ParseAddr(u.Hostname())
	if u.Scheme != "http" || u.Hostname() != "localhost" && (err != nil || !host.Unmap().IsLoopback()) {
		return "", "", fmt.Errorf("this sandbox calls loopback addresses alone, and not %s", u.Host)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", "", err
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	return string(data), res.Header.Get("Location"), err
}

var (
	doctype  = regexp.MustCompile(`(?s)<!DOCTYPE[^\[>]*(\[.*?\])?\s*>`)
	external = regexp.MustCompile(`<!ENTITY\s+(%\s+)?(\w+)\s+SYSTEM\s+"([^"]*)"\s*>`)
	internal = regexp.MustCompile(`<!ENTITY\s+(\w+)\s+"([^"]*)"\s*>`)
	tags     = regexp.MustCompile(`(?s)<[^>]*>`)
	named    = regexp.MustCompile(`&\w+;`)
)

// wellFormed tells whether a document is one, whatever its entities are.
func wellFormed(text string) bool {
	dec := xml.NewDecoder(strings.NewReader(named.ReplaceAllString(doctype.ReplaceAllString(text, ""), "")))
	for {
		switch _, err := dec.Token(); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return false
		}
	}
}

// readXML is the text of a document, with its entities written out.
func readXML(ctx context.Context, text string) string {
	declared := doctype.FindString(text)
	text = doctype.ReplaceAllString(text, "")
	for _, m := range external.FindAllStringSubmatch(declared, 8) {
		if m[1] != "" && !strings.Contains(declared, "%"+m[2]+";") {
			continue
		}
		got, err := fetch(ctx, m[3])
		if err != nil {
			got = ""
		}
		text = strings.ReplaceAll(text, "&"+m[2]+";", got)
	}
	for _, m := range internal.FindAllStringSubmatch(declared, 8) {
		text = strings.ReplaceAll(text, "&"+m[1]+";", m[2])
	}
	return strings.TrimSpace(tags.ReplaceAllString(text, " "))
}

// matches is how a store of documents compares: what is an object may hold
// operators.
func matches(value string, want any) bool {
	switch want := want.(type) {
	case string:
		return value == want
	case map[string]any:
		for op, v := range want {
			text, _ := v.(string)
			switch op {
			case "$ne":
				return value != text
			case "$gt":
				return value > text
			}
		}
	}
	return false
}

// balanced tells whether a directory would take a filter.
func balanced(filter string) bool {
	depth := 0
	for _, c := range filter {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0 && strings.LastIndexByte(filter, '(') == 0
}

// mostSteps bounds what a text may cost, for the sake of the machine that this
// is measured on.
const mostSteps = 400 << 20

// repeats matches ^(a+)+$ by trying all ways to divide the text.
func repeats(text string) bool {
	steps := 0
	var match func(i int) bool
	match = func(i int) bool {
		if i == len(text) {
			return i > 0
		}
		for j := i; j < len(text) && text[j] == 'a'; j++ {
			if steps++; steps > mostSteps {
				return false
			}
			if match(j + 1) {
				return true
			}
		}
		return false
	}
	return match(0)
}
