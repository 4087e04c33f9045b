package goinput

import (
	"go/ast"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// commands looks at a call that runs a program.
func commands(p *analysis.Pass, c *gomodel.Call) {
	args := c.Args
	switch c.Name {
	case "os/exec.Command", "syscall.Exec", "os.StartProcess":
	case "os/exec.CommandContext":
		args = args[min(1, len(args)):]
	default:
		return
	}
	if len(args) == 0 {
		return
	}
	f := c.File
	if head, hole := starts(f, args[0]); hole != nil && !strings.HasSuffix(head, "/") && hole.File.Level(hole.Expr) == gomodel.Tainted {
		p.GoAt(command, f, c, "%s, which a client sends, names the program that is run", what(hole.Expr))
		return
	}
	names := f.Texts(args[0])
	i := slices.IndexFunc(names, shell)
	name := gomodel.Written(args[0])
	switch {
	case i >= 0:
		name = names[i]
	case len(names) > 0 || !analysis.Names(name[strings.LastIndexByte(name, '.')+1:], "shell", "sh", "bash"):
		return
	}
	in, list := f, args[1:]
	if c.Ellipsis.IsValid() && len(args) == 2 {
		var e ast.Expr
		in, e = f.Only(args[1])
		lit, ok := e.(*ast.CompositeLit)
		if !ok {
			return
		}
		list = lit.Elts
	}
	script := false
	for _, a := range list {
		if text, ok := in.Text(a); ok && !script {
			script = strings.EqualFold(text, "/c") || strings.EqualFold(text, "-command") || len(text) > 1 && text[0] == '-' && text[1] != '-' && strings.HasSuffix(text, "c")
			continue
		}
		if !script {
			continue
		}
		for _, part := range in.Parts(a) {
			if part.Expr != nil && part.File.Level(part.Expr) == gomodel.Tainted {
				p.GoAt(command, f, c, "%s, which a client sends, is part of a script that %s runs", what(part.Expr), path.Base(name))
				return
			}
		}
	}
}

func shell(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(path.Base(strings.ReplaceAll(name, `\`, "/")), ".exe"))
	switch name {
	case "sh", "bash", "zsh", "ash", "dash", "ksh", "fish", "cmd", "powershell", "pwsh", "python", "python3", "perl", "ruby", "node":
		return true
	}
	return false
}
