package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// golang finds the programs among the Go files that serve HTTP.
func (l *look) golang() {
	frameworks := []struct{ prefix, name string }{
		{"github.com/gin-gonic/gin", "gin"},
		{"github.com/labstack/echo", "echo"},
		{"github.com/gofiber/fiber", "fiber"},
		{"github.com/go-chi/chi", "chi"},
		{"net/http", "net/http"},
	}
	type pkg struct {
		framework int // index, the lowest wins
		at        Place
	}
	pkgs := map[string]*pkg{}
	var order []string
	for _, f := range l.goFiles {
		if !strings.Contains(f.text, "package main") {
			continue // cheap, and almost always the answer
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, f.path, f.text, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil || file.Name.Name != "main" || ignored(file) {
			continue
		}
		dir := path.Dir(f.path)
		p := pkgs[dir]
		if p == nil {
			p = &pkg{framework: len(frameworks)}
			pkgs[dir] = p
			order = append(order, dir)
		}
		for _, imp := range file.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				continue
			}
			for i, fw := range frameworks {
				if name == fw.prefix || strings.HasPrefix(name, fw.prefix+"/v") {
					p.framework = min(p.framework, i)
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || p.at.Line != 0 {
				return p.at.Line == 0
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS", "Run", "RunTLS", "Start", "StartTLS", "Listen"}, sel.Sel.Name) {
				// Run, Start and Listen are the frameworks' words, and too
				// common to mean anything elsewhere.
				if strings.HasPrefix(sel.Sel.Name, "ListenAndServe") || strings.HasPrefix(sel.Sel.Name, "Serve") || p.framework < 3 {
					p.at = Place{f.path, set.Position(sel.Sel.Pos()).Line}
				}
			}
			return true
		})
	}
	for _, dir := range order {
		if p := pkgs[dir]; p.at.Line > 0 && p.framework < len(frameworks) {
			keep(&l.found.Mains, Main{Place: p.at, Dir: dir, Framework: frameworks[p.framework].name})
		}
	}
}

// ignored says whether a file is never built.
func ignored(file *ast.File) bool {
	for _, group := range file.Comments {
		if group.Pos() > file.Package {
			break
		}
		for _, c := range group.List {
			if strings.TrimSpace(c.Text) == "//go:build ignore" {
				return true
			}
		}
	}
	return false
}
