package deploy

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A Command is a line that starts a server of Python.
type Command struct {
	Place
	Server string   // uvicorn, gunicorn, hypercorn, fastapi, granian, daphne
	Args   []string // behind the server's name
	From   string   // the kind of file: dockerfile, compose, kubernetes, procfile, systemd, script, makefile
	// Env is what is set in front of it, on the same line.
	Env [][2]string
	// Cond tells that a condition of a script decides whether it runs.
	Cond bool
	// Owner is what it is the command of: a stage, a service, a container, a
	// process, a target. It may have no name.
	Owner string
	// Data is the file's text, in which the command stands from its line to
	// End. There is none where the command is put together.
	Data []byte
	End  int
	// Items tells that the words are those of a list of YAML.
	Items bool
}

// A Place is where something stands.
type Place struct {
	File         string
	Line, Column int
}

var servers = []string{"uvicorn", "gunicorn", "hypercorn", "fastapi", "granian", "daphne"}

// noServer are words behind which a server's name starts none.
var noServer = []string{"install", "add", "pip", "pip3", "apt-get", "apk", "echo", "which", "type", "command", "pkill", "killall", "grep", "curl", "pgrep", "uninstall", "remove", "cat", "touch", "ls", "pytest", "coverage", "watchmedo", "docker"}

// command reads the words of a command line; nil when it starts no server.
func command(words []string) *Command {
	for i, w := range words {
		if (path.Base(w) == "sh" || path.Base(w) == "bash") && i+2 < len(words) && words[i+1] == "-c" {
			for _, inner := range Shell(words[i+2]) {
				if c := command(inner.Words); c != nil {
					c.Env, c.Cond = append(c.Env, inner.Env...), inner.Cond
					return c
				}
			}
			return nil
		}
		if slices.Contains(noServer, path.Base(w)) {
			return nil
		}
		if slices.Contains(servers, path.Base(w)) {
			return &Command{Server: path.Base(w), Args: words[i+1:], Env: assigned(words[:i])}
		}
	}
	return nil
}

// assigned are the variables that words such as those of env set.
func assigned(words []string) [][2]string {
	var out [][2]string
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); ok && name != "" && name[0] != '-' {
			out = append(out, [2]string{name, value})
		}
	}
	return out
}

// Has tells whether a flag is given; Value is what stands behind it, or behind
// its = sign.
func (c *Command) Has(flags ...string) bool {
	_, ok := c.Value(flags...)
	return ok
}

// Value of a flag.
func (c *Command) Value(flags ...string) (string, bool) {
	for i, a := range c.Args {
		name, value, eq := strings.Cut(a, "=")
		if !slices.Contains(flags, name) {
			continue
		}
		if eq {
			return value, true
		}
		if i+1 < len(c.Args) {
			return c.Args[i+1], true
		}
		return "", true
	}
	return "", false
}

// Dev tells whether it is for development: it reloads.
func (c *Command) Dev() bool {
	return c.Has("--reload") || c.Server == "fastapi" && len(c.Args) > 0 && c.Args[0] == "dev"
}

// A ShellCommand is a simple command of a script.
type ShellCommand struct {
	Words []string
	Line  int // from 1
	Env   [][2]string
	// Input is the command whose output this one reads through a pipe.
	Input *ShellCommand
	// Cond tells that a condition decides whether it runs.
	Cond bool
	// Else is the command that runs when it fails: what stands behind ||.
	Else *ShellCommand
	// Output is the file that its output goes to, or that of what it stands in.
	Output string
	// Captured tells that its output becomes a part of another command.
	Captured bool
	end      int // the last line
}

// Shell gives the simple commands of a script. What is decided when it runs is
// a word as it is written.
func Shell(script string) []*ShellCommand {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.RecoverErrors(20)).Parse(strings.NewReader(script), "")
	if f == nil || err != nil && len(f.Stmts) == 0 {
		return nil
	}
	var out []*ShellCommand
	printer := syntax.NewPrinter()
	word := func(w *syntax.Word) string {
		if lit := w.Lit(); lit != "" {
			return lit
		}
		var b strings.Builder
		for _, p := range w.Parts {
			switch p := p.(type) {
			case *syntax.Lit:
				b.WriteString(p.Value)
			case *syntax.SglQuoted:
				b.WriteString(p.Value)
			case *syntax.DblQuoted:
				for _, q := range p.Parts {
					if l, ok := q.(*syntax.Lit); ok {
						b.WriteString(l.Value)
					} else if printer.Print(&b, q) != nil {
						b.WriteByte('$')
					}
				}
			default:
				if printer.Print(&b, p) != nil {
					b.WriteByte('$')
				}
			}
		}
		return b.String()
	}
	made := map[*syntax.CallExpr]*ShellCommand{}
	var branches []syntax.Node
	pipes := map[*syntax.Stmt]*syntax.Stmt{}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.IfClause, *syntax.CaseClause, *syntax.FuncDecl:
			branches = append(branches, n)
		case *syntax.BinaryCmd:
			if n.Op == syntax.OrStmt || n.Op == syntax.AndStmt && tests(n.X) {
				branches = append(branches, n.Y)
			}
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				pipes[n.Y] = n.X
			}
		case *syntax.DeclClause:
			if l := exported(n, word); l != nil {
				out = append(out, l)
			}
		case *syntax.CallExpr:
			l := &ShellCommand{Line: int(n.Pos().Line()), end: int(max(n.Pos().Line(), n.End().Line()))}
			l.Cond = slices.ContainsFunc(branches, func(b syntax.Node) bool { return !b.Pos().After(n.Pos()) && !n.End().After(b.End()) })
			for _, a := range n.Assigns {
				if a.Name != nil && a.Value != nil {
					l.Env = append(l.Env, [2]string{a.Name.Value, word(a.Value)})
				}
			}
			for _, w := range n.Args {
				l.Words = append(l.Words, word(w))
			}
			if len(l.Words) > 0 || len(l.Env) > 0 {
				made[n] = l
				out = append(out, l)
			}
		}
		return true
	})
	surround(f, made, word)
	for reader, writer := range pipes {
		if to, from := simple(reader, false), simple(writer, true); to != nil && from != nil && made[to] != nil {
			made[to].Input = made[from]
		}
	}
	return out
}

// exported are the variables that export sets; nil when it sets none.
func exported(n *syntax.DeclClause, word func(*syntax.Word) string) *ShellCommand {
	if n.Variant == nil || n.Variant.Value != "export" {
		return nil
	}
	l := &ShellCommand{Line: int(n.Pos().Line())}
	for _, a := range n.Args {
		if a.Name != nil && a.Value != nil {
			l.Env = append(l.Env, [2]string{a.Name.Value, word(a.Value)})
		}
	}
	if len(l.Env) == 0 {
		return nil
	}
	return l
}

// tests tells whether a statement is a condition, as in [ -n "$A" ] && b.
func tests(s *syntax.Stmt) bool {
	switch c := s.Cmd.(type) {
	case *syntax.TestClause:
		return true
	case *syntax.CallExpr:
		return len(c.Args) > 0 && (c.Args[0].Lit() == "[" || c.Args[0].Lit() == "test")
	case *syntax.BinaryCmd:
		return tests(c.X) || tests(c.Y)
	}
	return false
}

// simple is the command that a statement is, or the first or last of a line of
// pipes; nil when it is another.
func simple(s *syntax.Stmt, last bool) *syntax.CallExpr {
	for s != nil {
		switch c := s.Cmd.(type) {
		case *syntax.CallExpr:
			return c
		case *syntax.BinaryCmd:
			s = c.X
			if last {
				s = c.Y
			}
		default:
			return nil
		}
	}
	return nil
}

// shellWords are the words of a line.
func shellWords(line string) []string {
	lines := Shell(line)
	if len(lines) == 0 {
		return strings.Fields(line)
	}
	var out []string
	for _, l := range lines {
		out = append(out, l.Words...)
	}
	return out
}
