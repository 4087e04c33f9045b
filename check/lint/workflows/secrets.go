package workflows

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// gitlabSecrets are variables that GitLab sets to secrets.
var gitlabSecrets = []string{"CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD", "CI_JOB_JWT", "CI_JOB_JWT_V2", "CI_REPOSITORY_URL", "CI_DEPENDENCY_PROXY_PASSWORD"}

// shows are commands that write what they are given, or read, to the log.
var shows = []string{"cat", "tee", "head", "tail", "base64", "base32", "xxd", "od", "hexdump", "rev", "sed", "tr", "cut", "fold", "awk", "grep", "sort"}

// echoed finds secrets that are written to a log, or to a file that others may
// download.
func (r *repo) echoed(f *flow) {
	for _, j := range f.jobs {
		for _, s := range j.steps {
			commands := s.commands()
			for _, c := range commands {
				if len(c.Words) == 0 || c.Captured {
					continue
				}
				words := deploy.Behind(c.Words)
				if len(words) < 2 || words[0] != "echo" && words[0] != "printf" {
					continue
				}
				if strings.HasPrefix(strings.TrimSpace(words[1]), "::") {
					continue // add-mask, which hides it
				}
				secret := s.secret(words[1:], c.Line)
				if secret == "" {
					continue
				}
				severity := echo.Severity
				if f.gitlab && !slices.Contains(gitlabSecrets, secret) {
					severity = finding.Medium
				}
				last, shown := c, "the log"
				for {
					i := slices.IndexFunc(commands, func(o *deploy.ShellCommand) bool { return o.Input == last })
					if i < 0 {
						break
					}
					last = commands[i]
					if words := deploy.Behind(last.Words); len(words) == 0 || !slices.Contains(shows, path.Base(words[0])) {
						shown = ""
						break
					}
				}
				switch {
				case shown == "" || last.Captured || last.Output == "" && len(last.Words) > 1 && last.Words[0] == "tee" && last.Words[1] != "/dev/stderr":
					continue
				case last.Output != "" && last.Output != "/dev/stdout" && last.Output != "/dev/stderr":
					file := s.written(last.Output)
					if !j.uploads(file) {
						continue
					}
					shown = file + ", which is uploaded for whoever may read the repository"
				case last != c && last.Words[0] != "cat" && last.Words[0] != "tee":
					shown = "the log, in a form that is not masked"
				}
				r.say(echo, severity, s.at(c.Line), "%s is written to %s", secret, shown)
			}
		}
	}
}

// secret is the secret that is in a command's words; "" when none is.
func (s *step) secret(words []string, line int) string {
	text := strings.Join(words, " ")
	for _, e := range exprs(s.written(text)) {
		if name := secretOf(e); name != "" {
			return name
		}
	}
	for _, name := range variables(text) {
		if s.quoted(name, line) {
			continue
		}
		if n := s.job.env(s, name); n != nil {
			for _, e := range exprs(n.Value) {
				if secret := secretOf(e); secret != "" {
					return secret + ", by $" + name + ","
				}
			}
			continue
		}
		if s.job.flow.gitlab && !s.job.flow.Root.Get("variables").Has(name) && !s.job.node.Get("variables").Has(name) &&
			(slices.Contains(gitlabSecrets, name) || strings.ToUpper(name) == name && analysis.Secret(name)) {
			return name
		}
	}
	return ""
}

// quoted tells whether a variable stands between single quotes, where it is
// only a text.
func (s *step) quoted(name string, line int) bool {
	lines := strings.Split(s.masked, "\n")
	if line < 1 || line > len(lines) {
		return false
	}
	double, single := false, false
	for i, c := range lines[line-1] {
		switch {
		case c == '\'' && !double:
			single = !single
		case c == '"' && !single:
			double = !double
		case c == '$' && strings.HasPrefix(strings.TrimPrefix(lines[line-1][i+1:], "{"), name) && !single:
			return false
		}
	}
	return strings.Contains(lines[line-1], name)
}

// secretOf is the secret that an expression gives; "" when it gives none.
func secretOf(e expr) string {
	for _, v := range append(e.values[:len(e.values):len(e.values)], e.whole...) {
		if v == "secrets" || v == "github.token" || strings.HasPrefix(v, "secrets.") {
			if name, ok := strings.CutPrefix(v, "secrets."); ok {
				return "secrets." + strings.ToUpper(name)
			}
			return v
		}
	}
	return ""
}

// variables are those that a word of a shell is made of, by themselves: not
// ${#A}, which is a length, nor ${A:+yes}, nor what runs within $(…).
func variables(word string) []string {
	var out []string
	for i := 0; i < len(word); i++ {
		if word[i] != '$' || i > 0 && word[i-1] == '\\' || i+1 >= len(word) {
			continue
		}
		rest := word[i+1:]
		switch rest[0] {
		case '(':
			depth := 0
			for ; i < len(word); i++ {
				if word[i] == '(' {
					depth++
				} else if word[i] == ')' {
					if depth--; depth == 0 {
						break
					}
				}
			}
		case '{':
			name := rest[1 : 1+identifier(rest[1:])]
			if behind := rest[1+len(name):]; name != "" && !strings.HasPrefix(behind, ":+") && !strings.HasPrefix(behind, "+") {
				out = append(out, name)
			}
		default:
			if n := identifier(rest); n > 0 {
				out = append(out, rest[:n])
			}
		}
	}
	return out
}

// identifier is the length of the name that a text begins with.
func identifier(text string) int {
	n := 0
	for n < len(text) && (text[n] == '_' || text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z' || n > 0 && text[n] >= '0' && text[n] <= '9') {
		n++
	}
	return n
}

// uploads tells whether a job uploads a file as an artifact.
func (j *job) uploads(file string) bool {
	file = path.Clean(file)
	return slices.ContainsFunc(j.steps, func(s *step) bool {
		name, _ := s.action()
		return name == "actions/upload-artifact" && slices.ContainsFunc(strings.Fields(s.node.Get("with", "path").Text()), func(p string) bool { return path.Clean(p) == file })
	})
}
