package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// The flaws of this file hide: behind filters that are nearly right, errors
// that say nothing, ids in other places, and names that tell little.

func (s *service) hard() []route {
	free, id := m{"type": "string"}, m{"type": "integer"}
	product := fields("id", id, "sku", free, "name", free, "price", id)
	doc := m{"type": "object", "properties": m{"data": fields("id", free, "owner_id", free, "title", free, "approved", m{"type": "boolean"})}}
	required := func(name string) []any {
		return []any{m{"name": name, "in": "query", "required": true, "schema": free}}
	}
	return []route{
		{name: "POST /products/filter", summary: "Find products by their name", body: fields("name", free), answer: list(product), handle: s.filter},
		{name: "POST /tickets", summary: "Open a ticket", secured: true, body: fields("subject", text(200)), handle: user(s.ticket)},
		{name: "GET /stock", summary: "Tell what is in stock", query: []any{m{"name": "X-Region", "in": "header", "schema": free}}, handle: s.stock},
		{name: "GET /authors", summary: "Find authors", query: []any{query("q", free)}, handle: s.authors},
		{name: "GET /authors/{id}", summary: "Read an author", handle: s.author},
		{name: "GET /ranking", summary: "List products by price", query: []any{m{"name": "direction", "in": "query", "schema": m{"type": "string", "default": "asc"}}}, answer: list(product), handle: s.ranking},
		{name: "POST /partner/login", summary: "Sign a partner in", body: fields("email", m{"type": "string", "format": "email"}, "password", text(0)), handle: s.partner},
		{name: "GET /pets", summary: "Find pets by their name", query: []any{query("name", free)}, handle: pets},
		{name: "GET /themes", summary: "Read a theme", query: required("name"), handle: theme},
		{name: "GET /attachments", summary: "Read an attachment of the guide", query: []any{m{"name": "file", "in": "query", "required": true, "schema": m{"type": "string", "default": "guide/start.txt"}}}, handle: attachment},
		{name: "GET /media/{file}", summary: "Read a file", handle: media},
		{name: "POST /tools/lookup", summary: "Look a domain up", body: fields("domain", free), handle: lookup},
		{name: "POST /avatars", summary: "Take a picture from somewhere", secured: true, body: fields("image_url", m{"type": "string", "format": "uri"}), handle: user(avatar)},
		{name: "POST /rss", summary: "Read a feed", kind: "application/xml", body: fields("title", text(100)), handle: rss},
		{name: "GET /return", summary: "Go back", query: required("url"), handle: back},
		{name: "GET /exit", summary: "Leave", query: required("to"), handle: leave},
		{name: "GET /banner", summary: "Show a banner", query: []any{query("text", free)}, handle: banner},
		{name: "GET /picture", summary: "Show a picture in HTML", query: []any{query("alt", free)}, html: true, handle: picture},
		{name: "POST /posts", summary: "Write a post", secured: true, body: fields("title", text(80), "body", text(2000)), handle: user(s.make("posts", "title", "body"))},
		{name: "GET /posts/{id}/page", summary: "Read a post as a page", html: true, handle: s.postPage},
		{name: "POST /documents", summary: "Make a document", secured: true, body: fields("title", text(80)), answer: doc, handle: user(s.newDocument)},
		{name: "GET /documents/{document_id}", summary: "Read a document", secured: true, answer: doc, handle: user(s.document)},
		{name: "PUT /documents/{document_id}", summary: "Change one's own document", secured: true, body: fields("title", text(80)), answer: doc, handle: user(s.changeDocument)},
		{name: "GET /document-status", summary: "Tell how a document is", secured: true, query: []any{m{"name": "document_id", "in": "query", "required": true, "schema": free}}, handle: user(s.documentStatus)},
		{name: "POST /document-export", summary: "Export a document", secured: true, body: fields("document_id", free), handle: user(s.exportDocument)},
		{name: "POST /reminders", summary: "Make a reminder", secured: true, body: fields("title", text(80)), handle: user(s.make("reminders", "title"))},
		{name: "GET /reminders", summary: "List reminders", secured: true, query: []any{query("owner_id", free)}, handle: user(s.reminders)},
		{name: "GET /reminders/{id}", summary: "Read one's own reminder", secured: true, handle: user(s.ownOne("reminders"))},
		{name: "POST /reminders/{id}/close", summary: "Close a reminder", secured: true, handle: user(s.closeReminder)},
		{name: "GET /members/{user_id}/settings", summary: "Read one's own settings", secured: true, handle: user(s.settings)},
		{name: "PUT /members/{user_id}/settings", summary: "Change one's own settings", secured: true, body: fields("name", text(60)), handle: user(s.changeSettings)},
		{name: "GET /integrations", summary: "List integrations", secured: true, handle: user(func(w http.ResponseWriter, _ *http.Request, _ string) {
			answer(w, http.StatusOK, []m{{"name": "mail", "client_secret": "Xk29fQmT7bLw0zRe51Uv"}})
		})},
		{name: "GET /staff/salaries", summary: "List salaries, for the staff of payroll", secured: true, handle: user(func(w http.ResponseWriter, _ *http.Request, _ string) {
			answer(w, http.StatusOK, []m{{"name": "Anne", "cents": 410000}})
		})},
		{name: "POST /shipments", summary: "Plan a shipment", secured: true, body: fields("boxes", list(fields("items", whole(1, 100)))), handle: user(shipment)},
		{name: "POST /thumbnails", summary: "Draw a page of this host", body: fields("page_url", m{"type": "string", "default": "/picture"}), handle: thumbnail},
		{name: "POST /labels", summary: "Print a label", body: fields("name", text(60), "street", text(60)), answer: fields("label", free), handle: label},
		{name: "POST /baskets/restore", summary: "Restore a basket that was saved", body: fields("pickle", m{"type": "string", "default": savedBasket}), handle: restoreBasket},
		{name: "GET /log", summary: "Read the log", secured: true, query: []any{query("page_size", id)}, handle: user(lines)},
	}
}

// filter says nothing of errors.
func (s *service) filter(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	out, ok := s.found(w, r, productColumns+" WHERE name = '"+str(v["name"])+"'", false)
	if !ok {
		out = []m{}
	}
	answer(w, http.StatusOK, out)
}

// ticket says of errors that there was one.
func (s *service) ticket(w http.ResponseWriter, r *http.Request, _ string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	if _, err := s.db.ExecContext(r.Context(), "INSERT INTO reviews (product, text) VALUES (900, '"+str(v["subject"])+"')"); err != nil {
		refuse(w, http.StatusInternalServerError, "something went wrong")
		return
	}
	answer(w, http.StatusCreated, m{"opened": true})
}

func (s *service) stock(w http.ResponseWriter, r *http.Request) {
	region := r.Header.Get("X-Region")
	answer(w, http.StatusOK, s.pairs(r, "SELECT name, price FROM products WHERE sku = '"+region+"'"))
}

func (s *service) authors(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	answer(w, http.StatusOK, s.pairs(r, "SELECT text, id FROM reviews WHERE product < 900 AND text LIKE '%"+q+"%' LIMIT 20"))
}

func (s *service) author(w http.ResponseWriter, r *http.Request) {
	got := s.pairs(r, "SELECT text, id FROM reviews WHERE id = "+r.PathValue("id"))
	if len(got) == 0 {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	answer(w, http.StatusOK, got[0])
}

func (s *service) ranking(w http.ResponseWriter, r *http.Request) {
	direction := r.URL.Query().Get("direction")
	out, ok := s.found(w, r, productColumns+" ORDER BY price "+direction, false)
	if !ok {
		refuse(w, http.StatusBadRequest, "there is no such direction")
		return
	}
	for _, p := range out {
		delete(p, "cost")
	}
	answer(w, http.StatusOK, out)
}

// partner looks a name and a password up in one statement.
func (s *service) partner(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	var id int
	if s.db.QueryRowContext(r.Context(), "SELECT id FROM accounts WHERE email = '"+str(v["email"])+"' AND password = '"+str(v["password"])+"'").Scan(&id) != nil {
		refuse(w, http.StatusUnauthorized, "that is not right")
		return
	}
	answer(w, http.StatusOK, m{"token": issue(id, "partner")})
}

// pets reads name[$ne]=x as an operator, as many readers of queries do.
func pets(w http.ResponseWriter, r *http.Request) {
	var want any = r.URL.Query().Get("name")
	for key, vs := range r.URL.Query() {
		if op, ok := strings.CutPrefix(key, "name["); ok {
			want = m{strings.TrimSuffix(op, "]"): vs[0]}
		}
	}
	out := []m{}
	for _, name := range []string{"Rex", "Minka", "Bello"} {
		if matches(name, want) {
			out = append(out, m{"name": name})
		}
	}
	answer(w, http.StatusOK, out)
}

func textOf(w http.ResponseWriter, name string) {
	body, ok := disk[path.Clean(name)]
	if !ok {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	answer(w, http.StatusOK, m{"text": body})
}

// theme takes ../ away, once.
func theme(w http.ResponseWriter, r *http.Request) {
	name := strings.ReplaceAll(r.URL.Query().Get("name"), "../", "")
	body, ok := readFile(name)
	if !ok {
		body = "default"
	}
	answer(w, http.StatusOK, m{"css": body})
}

// attachment looks at how the path begins.
func attachment(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("file")
	if !strings.HasPrefix(name, "guide/") {
		refuse(w, http.StatusBadRequest, "attachments of the guide are what is read")
		return
	}
	textOf(w, "/srv/files/"+name)
}

// media opens what a segment of the path is, once it is unescaped.
func media(w http.ResponseWriter, r *http.Request) {
	body, ok := readFile(r.PathValue("file"))
	if !ok {
		body = ""
	}
	answer(w, http.StatusOK, m{"text": body})
}

// lookup puts the domain into quotes, without what ends a command.
func lookup(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	domain := strings.NewReplacer(";", "", "|", "", "&", "", "\n", "", `"`, "", "'", "").Replace(str(v["domain"]))
	answer(w, http.StatusOK, m{"output": shell(`echo "` + domain + ` has no address"`)})
}

// avatar refuses what looks internal.
func avatar(w http.ResponseWriter, r *http.Request, _ string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	target := str(v["image_url"])
	if strings.Contains(target, "//127.") || strings.Contains(target, "localhost") || !strings.HasPrefix(target, "http") {
		refuse(w, http.StatusBadRequest, "that address is internal")
		return
	}
	_, err := fetch(r.Context(), target)
	answer(w, http.StatusAccepted, m{"later": err != nil})
}

// thumbnail looks at the host, and goes where that one sends it.
func thumbnail(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	u, err := url.Parse(str(v["page_url"]))
	if err != nil || u.Host != "" && u.Host != r.Host {
		refuse(w, http.StatusUnprocessableEntity, "that page is of another host")
		return
	}
	u.Scheme, u.Host = "http", r.Host
	page, err := follow(r.Context(), u.String())
	answer(w, http.StatusOK, m{"bytes": len(page), "drawn": err == nil})
}

// label reads XML as well, as the framework before it did.
func label(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.Header.Get("Content-Type"), "/xml") {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10)) // what came is enough
		if !wellFormed(string(text)) {
			refuse(w, http.StatusBadRequest, "it is not well formed")
			return
		}
		answer(w, http.StatusOK, m{"label": readXML(r.Context(), string(text))})
		return
	}
	if v, ok := lax(w, r); ok {
		answer(w, http.StatusOK, m{"label": str(v["name"]) + ", " + str(v["street"])})
	}
}

// rss writes entities out, and fetches none.
func rss(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, 64<<10)
	n, _ := r.Body.Read(body) // the beginning is enough
	text := string(body[:n])
	if strings.Contains(text, "SYSTEM") {
		refuse(w, http.StatusBadRequest, "external entities are not read")
		return
	}
	answer(w, http.StatusOK, m{"title": readXML(r.Context(), text)})
}

// back looks whether it is a path.
func back(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("url")
	if !strings.HasPrefix(to, "/") {
		to = "/"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// leave looks whether the own name is in it.
func leave(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() && !strings.Contains(to, r.Host) || strings.HasPrefix(strings.ReplaceAll(to, `\`, "/"), "//") {
		to = "/"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// banner knows another language of templates, and shows less than it is given.
func banner(w http.ResponseWriter, r *http.Request) {
	text := strings.NewReplacer("${", "{{", "}", "}}").Replace(strings.ReplaceAll(strings.ReplaceAll(r.URL.Query().Get("text"), "{{", ""), "}}", ""))
	answer(w, http.StatusOK, m{"banner": fillIn(text)})
}

// picture escapes < and >, and not the quotes that its value stands in.
func picture(w http.ResponseWriter, r *http.Request) {
	alt := strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;").Replace(r.URL.Query().Get("alt"))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>Picture</title><img src=\"/p.png\" alt=\"%s\">\n", alt)
}

func (s *service) postPage(w http.ResponseWriter, r *http.Request) {
	o, ok := s.find("posts", r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>%s</title><article>%s</article>\n", html.EscapeString(str(o["title"])), o["body"])
}

// key is a name for an object that nobody guesses.
func key(o object) string {
	return fmt.Sprintf("%08x-52c1-4c0e-9a77-%012x", o.id()*2654435761%4294967291, o.id()*40503)
}

func shown(o object) m {
	return m{"data": m{"id": key(o), "owner_id": o["owner_id"], "title": o["title"], "approved": o["approved"]}}
}

func (s *service) newDocument(w http.ResponseWriter, r *http.Request, id string) {
	if v, ok := lax(w, r); ok {
		o := pick(v, "title")
		o["owner_id"], o["approved"] = id, false
		answer(w, http.StatusCreated, shown(s.add("documents", o)))
	}
}

func (s *service) byKey(w http.ResponseWriter, name string) (object, bool) {
	for _, o := range s.all("documents") {
		if key(o) == name {
			return o, true
		}
	}
	refuse(w, http.StatusNotFound, "not found")
	return nil, false
}

// document trusts that nobody guesses its name.
func (s *service) document(w http.ResponseWriter, r *http.Request, _ string) {
	if o, ok := s.byKey(w, r.PathValue("document_id")); ok {
		answer(w, http.StatusOK, shown(o))
	}
}

// changeDocument writes what is sent over what is there.
func (s *service) changeDocument(w http.ResponseWriter, r *http.Request, id string) {
	o, ok := s.byKey(w, r.PathValue("document_id"))
	if !ok {
		return
	}
	if o.owner() != id {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	if v, ok := lax(w, r); ok {
		change := pick(v, "title")
		if x, given := v["approved"]; given {
			change["approved"] = x
		}
		answer(w, http.StatusOK, shown(s.change("documents", o.id(), change)))
	}
}

func (s *service) documentStatus(w http.ResponseWriter, r *http.Request, _ string) {
	if o, ok := s.byKey(w, r.URL.Query().Get("document_id")); ok {
		answer(w, http.StatusOK, m{"title": o["title"], "approved": o["approved"]})
	}
}

func (s *service) exportDocument(w http.ResponseWriter, r *http.Request, _ string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	if o, ok := s.byKey(w, str(v["document_id"])); ok {
		answer(w, http.StatusOK, m{"text": "# " + str(o["title"])})
	}
}

// reminders are the caller's, or whose the query says.
func (s *service) reminders(w http.ResponseWriter, r *http.Request, id string) {
	if owner := r.URL.Query().Get("owner_id"); r.URL.Query().Has("owner_id") && owner != "" {
		id = owner
	}
	answer(w, http.StatusOK, s.of("reminders", id))
}

func (s *service) closeReminder(w http.ResponseWriter, r *http.Request, _ string) {
	o, ok := s.find("reminders", r.PathValue("id"))
	if !ok {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	answer(w, http.StatusOK, s.change("reminders", o.id(), object{"closed": true}))
}

func (s *service) settings(w http.ResponseWriter, r *http.Request, _ string) {
	p, ok := s.profile(r, r.PathValue("user_id"))
	if !ok {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	answer(w, http.StatusOK, m{"id": p["id"], "name": p["name"], "email": p["email"]})
}

func (s *service) changeSettings(w http.ResponseWriter, r *http.Request, _ string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	if _, err := s.db.ExecContext(r.Context(), "UPDATE accounts SET name = ? WHERE id = ?", str(v["name"]), r.PathValue("user_id")); err != nil {
		panic(err)
	}
	w.WriteHeader(http.StatusNoContent)
}

// shipment divides by what it is given.
func shipment(w http.ResponseWriter, r *http.Request, _ string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	weight := 0
	boxes, _ := v["boxes"].([]any)
	for _, b := range boxes {
		box, _ := b.(m)
		n, _ := box["items"].(float64)
		weight += 12000 / int(n)
	}
	answer(w, http.StatusOK, m{"grams": weight})
}

func lines(w http.ResponseWriter, r *http.Request, _ string) {
	n := 20
	_, _ = fmt.Sscan(r.URL.Query().Get("page_size"), &n) // it stays 20
	out := []m{}
	for i := range min(max(n, 0), 5000) {
		out = append(out, m{"line": i})
	}
	answer(w, http.StatusOK, out)
}
