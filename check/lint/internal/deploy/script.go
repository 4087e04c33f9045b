package deploy

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// surround notes what is around the commands of a script: what runs when they
// fail, and where their output goes.
func surround(f *syntax.File, made map[*syntax.CallExpr]*ShellCommand, word func(*syntax.Word) string) {
	var around []syntax.Node
	syntax.Walk(f, func(n syntax.Node) bool {
		if n == nil {
			around = around[:len(around)-1]
			return true
		}
		if call, ok := n.(*syntax.CallExpr); ok && made[call] != nil {
			c := made[call]
			for i, outer := range slices.Backward(around) {
				switch o := outer.(type) {
				case *syntax.CmdSubst, *syntax.ProcSubst:
					c.Captured = true
				case *syntax.Stmt:
					for _, r := range o.Redirs {
						if !c.Captured && c.Output == "" && r.Word != nil && slices.Contains([]syntax.RedirOperator{syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll}, r.Op) && (r.N == nil || r.N.Value == "1") {
							c.Output = word(r.Word)
						}
					}
				case *syntax.BinaryCmd:
					if o.Op == syntax.OrStmt && i+1 < len(around) && around[i+1] == o.X && c.Else == nil && !c.Captured {
						if alt := simple(o.Y, false); alt != nil {
							c.Else = made[alt]
						}
					}
				}
			}
		}
		around = append(around, n)
		return true
	})
}

// Piped finds a download that a shell runs unseen: the command that runs it,
// and the tool that downloads. Where something compares what was downloaded,
// it is none.
func Piped(commands []*ShellCommand) (runs *ShellCommand, tool string) {
	for _, c := range commands {
		if slices.ContainsFunc(compares, func(tool string) bool { return strings.Contains(strings.Join(c.Words, " "), tool) }) {
			return nil, ""
		}
	}
	for _, c := range commands {
		words := Behind(c.Words)
		if len(words) == 0 || !slices.Contains(shells, path.Base(words[0])) {
			continue
		}
		from := c.Input
		for from != nil && !downloads(from.Words) {
			from = from.Input
		}
		if from != nil && reads(words) {
			return c, Behind(from.Words)[0]
		}
		for _, w := range words[1:] {
			if inner := substituted(w); inner != "" {
				return c, inner
			}
		}
	}
	return nil, ""
}

// shells run what they read.
var shells = []string{"sh", "bash", "ash", "dash", "zsh", "ksh", "fish", "python", "python3", "perl", "ruby", "node"}

// compares are tools that compare what was downloaded.
var compares = []string{"sha256sum", "sha512sum", "shasum", "gpg --verify", "gpgv", "cosign verify", "minisign", "openssl dgst"}

// reads tells whether a shell takes its script from what is piped into it.
func reads(words []string) bool {
	if len(words) > 1 && (words[1] == "-c" || words[1] == "-m" || words[1] == "-e") {
		return false
	}
	return !slices.ContainsFunc(words[1:], func(w string) bool { return !strings.HasPrefix(w, "-") }) || slices.Contains(words, "-s") || slices.Contains(words, "-")
}

// Behind are the words behind sudo, env and settings.
func Behind(words []string) []string {
	for len(words) > 0 {
		switch w := words[0]; {
		case w == "sudo", w == "env", w == "exec", w == "command", w == "time", strings.HasPrefix(w, "-"), strings.Contains(w, "="):
			words = words[1:]
		default:
			return words
		}
	}
	return nil
}

func downloads(words []string) bool {
	words = Behind(words)
	return len(words) > 0 && (path.Base(words[0]) == "curl" || path.Base(words[0]) == "wget")
}

// substituted is the tool of a download within a word: $(curl …), <(curl …).
func substituted(word string) string {
	for _, tool := range []string{"curl", "wget"} {
		for _, open := range []string{"$(", "<(", "`"} {
			if strings.Contains(word, open+tool+" ") {
				return tool
			}
		}
	}
	return ""
}

// auditors look for known faults: in what is depended on when true, and else
// in the code, or for secrets.
var auditors = map[string]bool{
	"pip-audit": true, "safety": true, "govulncheck": true, "osv-scanner": true, "trivy": true, "grype": true, "snyk": true, "nancy": true, "pysentry-rs": true, "dependency-check": true, "dependency-check.sh": true,
	"pavise": false, "bandit": false, "gosec": false, "gitleaks": false, "detect-secrets": false, "detect-secrets-hook": false, "trufflehog": false, "semgrep": false, "checkov": false,
}

// auditing are tools that have an audit among others, and the word for it.
var auditing = map[string][]string{
	"npm": {"audit"}, "yarn": {"audit", "npm audit"}, "pnpm": {"audit"}, "bun": {"audit"}, "cargo": {"audit"}, "uv": {"audit"}, "composer": {"audit"}, "pavise": {"audit", "leaks", "lint"},
}

// wrappers are commands that run the one that they name.
var wrappers = []string{"uv", "uvx", "poetry", "pipenv", "pdm", "hatch", "rye", "pixi", "pipx", "npx", "pnpx", "bunx", "python", "python3", "py", "go", "docker", "podman", "sudo", "env", "time", "nice", "exec", "timeout", "command", "xvfb-run", "mise", "devbox", "nix"}

// notRun are words behind which a tool's name runs none.
var notRun = []string{"install", "add", "remove", "uninstall", "update", "upgrade", "sync", "lock", "pip", "pytest", "test", "build", "pull", "push", "ruff", "mypy", "-v", "--version", "--help"}

// An Audit is a tool that looks for known faults, as a command runs it.
type Audit struct {
	Tool string
	// Args stand behind the tool.
	Args []string
	// Dependencies tells that it is about what is depended on.
	Dependencies bool
}

// AuditOf is the audit that a command runs; nil when it runs none.
func AuditOf(words []string) *Audit {
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:]
	}
	if len(words) > 2 && slices.Contains([]string{"sh", "bash"}, path.Base(words[0])) && strings.HasPrefix(words[1], "-") && strings.HasSuffix(words[1], "c") {
		for _, c := range Shell(words[2]) {
			if a := AuditOf(c.Words); a != nil {
				return a
			}
		}
		return nil
	}
	for i, w := range words {
		name := toolName(w)
		rest := words[i+1:]
		if deps, ok := auditors[name]; ok && !slices.Contains(rest, "--version") && !slices.Contains(rest, "--help") && (i == 0 || !strings.HasPrefix(w, "-")) {
			if named, also := auditing[name]; !also || len(rest) > 0 && slices.Contains(named, rest[0]) {
				return &Audit{name, rest, deps || len(rest) > 0 && rest[0] == "audit"}
			}
			return nil
		}
		if slices.ContainsFunc(auditing[name], func(what string) bool {
			return strings.HasPrefix(strings.Join(rest, " ")+" ", what+" ")
		}) {
			return &Audit{name + " audit", rest[1:], true}
		}
		if i == 0 && !slices.Contains(wrappers, name) || slices.Contains(notRun, w) {
			return nil
		}
	}
	return nil
}

// toolName is a tool's name without its folder and its version.
func toolName(word string) string {
	name := path.Base(word)
	if i := strings.IndexAny(name, "@:"); i > 0 {
		name = name[:i]
	}
	return strings.ReplaceAll(name, "_", "-")
}
