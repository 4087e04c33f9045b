package workflows

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
)

// auditActions are actions that look for known faults.
var auditActions = map[string]string{
	"pypa/gh-action-pip-audit": "pip-audit", "aquasecurity/trivy-action": "trivy", "actions/dependency-review-action": "the review of dependencies",
	"golang/govulncheck-action": "govulncheck", "gitleaks/gitleaks-action": "gitleaks", "anchore/scan-action": "grype", "pycqa/bandit-action": "bandit",
	"securego/gosec": "gosec", "pyupio/safety-action": "safety", "snyk/actions/python": "snyk", "snyk/actions/golang": "snyk", "snyk/actions/docker": "snyk", "trufflesecurity/trufflehog": "trufflehog",
	"google/osv-scanner-action/osv-scanner-action": "osv-scanner", "pavise-dev/pavise": "pavise",
}

// audited finds audits that cannot fail.
func (r *repo) audited(f *flow) {
	for _, j := range f.jobs {
		for i, s := range j.steps {
			name, _ := s.action()
			if tool := auditActions[name]; tool != "" {
				if at, why := s.noAction(name); why != "" {
					r.say(audits, audits.Severity, f.Place(at), "%s cannot fail the build: %s", tool, why)
				} else if at, why := s.ignored(); why != "" {
					r.say(audits, audits.Severity, f.Place(at), "%s cannot fail the build: %s", tool, why)
				}
				continue
			}
			commands := s.commands()
			for k, c := range commands {
				a := deploy.AuditOf(c.Words)
				if a == nil || j.read(i, s, c) {
					continue
				}
				why := s.pointless(a, c, commands)
				if why != "" {
					r.say(audits, audits.Severity, s.at(c.Line), "%s cannot fail the build: %s", a.Tool, why)
					continue
				}
				if at, why := s.ignored(); why != "" {
					r.say(audits, audits.Severity, f.Place(at), "%s cannot fail the build: %s", a.Tool, why)
					break
				}
				if why := s.unset(commands, k); why != "" {
					r.say(audits, audits.Severity, s.at(c.Line), "%s cannot fail the build: %s", a.Tool, why)
				}
			}
		}
	}
}

// succeeds are commands that never fail.
var succeeds = []string{"true", ":", "echo", "printf", "exit 0"}

// pointless says why a command cannot fail, or why its failure is not seen; ""
// when it may.
func (s *step) pointless(a *deploy.Audit, c *deploy.ShellCommand, commands []*deploy.ShellCommand) string {
	if e := c.Else; e != nil {
		words := strings.Join(e.Words, " ")
		for _, ok := range succeeds {
			if words == ok || strings.HasPrefix(words, ok+" ") && ok != "exit 0" {
				// What is said may be followed by an exit, as in
				// || { echo …; exit 1; }, which is no simple command.
				return "|| " + short(strings.Fields(words)) + " follows it"
			}
		}
	}
	if why := flags(a); why != "" {
		return why
	}
	if strings.Contains(s.run, "pipefail") || strings.Contains(s.run, "PIPESTATUS") || s.job.flow.gitlab || s.shellName() == "bash" || strings.Contains(s.shellName(), "pipefail") {
		return ""
	}
	for _, o := range commands {
		if o.Input == c && len(o.Words) > 0 && slices.Contains([]string{"tee", "cat", "jq", "tail", "head", "sed", "sort"}, o.Words[0]) {
			return "its status is that of the " + o.Words[0] + " behind it, without pipefail"
		}
	}
	return ""
}

// flags says which flag keeps an audit from failing; "" when none does.
func flags(a *deploy.Audit) string {
	value := func(names ...string) string {
		for i, w := range a.Args {
			name, v, ok := strings.Cut(w, "=")
			if !slices.Contains(names, name) {
				continue
			}
			if !ok && i+1 < len(a.Args) {
				v = a.Args[i+1]
			}
			return v
		}
		return ""
	}
	has := func(names ...string) string {
		for _, n := range names {
			if slices.Contains(a.Args, n) {
				return n
			}
		}
		return ""
	}
	flag := ""
	switch a.Tool {
	case "bandit":
		flag = has("--exit-zero")
	case "safety":
		if flag = has("--continue-on-error"); flag == "" && value("--exit-code") == "0" {
			flag = "--exit-code 0"
		}
	case "pip-audit":
		flag = has("--dry-run")
	case "trivy":
		if value("--exit-code") == "0" {
			flag = "--exit-code 0"
		}
	case "gitleaks":
		if value("--exit-code") == "0" {
			flag = "--exit-code 0"
		}
	case "gosec":
		flag = has("-no-fail", "--no-fail")
	case "checkov":
		flag = has("--soft-fail", "-s")
	case "npm audit", "pnpm audit":
		if level := value("--audit-level"); level == "none" {
			flag = "--audit-level=none"
		}
	}
	if flag == "" {
		return ""
	}
	return flag + " lets it succeed whatever it finds"
}

// noAction says by which input an action cannot fail.
func (s *step) noAction(name string) (*deploy.Node, string) {
	with := s.node.Get("with")
	switch name {
	case "aquasecurity/trivy-action":
		if code := with.Get("exit-code"); code.Is("0") && !s.job.watches() && !says(with, "sarif") {
			return code, "exit-code is 0"
		}
	case "actions/dependency-review-action":
		if w := with.Get("warn-only"); w.Is("true") {
			return w, "warn-only is set"
		}
	case "anchore/scan-action":
		if w := with.Get("fail-build"); w.Is("false") && !s.job.watches() {
			return w, "fail-build is false"
		}
	}
	return nil, ""
}

// watches tells whether a job gives what was found to GitHub, which tells of it
// by itself.
func (j *job) watches() bool {
	return slices.ContainsFunc(j.steps, func(s *step) bool {
		return strings.HasPrefix(s.uses, "github/codeql-action/upload-sarif") || strings.Contains(s.run, "gh issue create") || strings.Contains(s.run, "GITHUB_STEP_SUMMARY") && strings.Contains(s.run, "exit 1")
	})
}

// ignored says why a step that fails fails nothing, or does not run; "" when it
// may.
func (s *step) ignored() (*deploy.Node, string) {
	nodes := []*deploy.Node{s.node}
	if s.node != s.job.node {
		nodes = append(nodes, s.job.node)
	}
	for i, n := range nodes {
		what := "the step"
		if i == 1 || len(nodes) == 1 {
			what = "the job"
		}
		if on := n.Get("continue-on-error"); truth(on) == "true" && !s.seen() {
			return on, "what fails in " + what + " is passed over by continue-on-error"
		}
		if on := n.Get("allow_failure"); on.Is("true") && s.job.flow.gitlab {
			return on, "what fails in the job is passed over by allow_failure"
		}
		if when := n.Get("when"); when.Is("manual", "never") && s.job.flow.gitlab {
			return when, "the job runs only when somebody starts it"
		}
		if cond := n.Get("if"); truth(cond) == "false" && !s.job.flow.gitlab {
			return cond, what + " never runs"
		}
	}
	return nil, ""
}

// truth is what a condition always is; "" when it depends.
func truth(n *deploy.Node) string {
	text := strings.TrimSpace(n.Text())
	if inner, ok := strings.CutPrefix(text, "${{"); ok {
		text = strings.TrimSpace(strings.TrimSuffix(inner, "}}"))
	}
	if text == "false" || strings.HasPrefix(text, "false &&") {
		return "false"
	}
	if text == "true" {
		return "true"
	}
	return ""
}

// seen tells whether another step or job asks how this one ended.
func (s *step) seen() bool {
	if id := s.node.Get("id").Text(); id != "" && says(s.job.node, "steps."+id+".outcome", "steps."+id+".outputs") {
		return true
	}
	return s.job.watches() || says(s.job.flow.Root.Get("jobs"), "needs."+s.job.name+".result", "needs."+s.job.name+".outputs")
}

// unset says that a script goes on when a command fails, and forgets that it
// did; "" when it does not.
func (s *step) unset(commands []*deploy.ShellCommand, k int) string {
	if s.job.flow.gitlab {
		return ""
	}
	off := false
	for _, c := range commands[:k] {
		words := strings.Join(c.Words, " ")
		switch {
		case strings.HasPrefix(words, "set +e"), strings.HasPrefix(words, "set +o errexit"):
			off = true
		case strings.HasPrefix(words, "set -e"), strings.HasPrefix(words, "set -o errexit"):
			off = false
		}
	}
	if off && k < len(commands)-1 && !strings.Contains(s.run, "$?") {
		return "set +e lets the script go on"
	}
	return ""
}

// reports are the ends of the names of files that hold what was found.
var reports = []string{".json", ".sarif", ".xml", ".txt", ".md", ".csv", ".html"}

// read tells whether what an audit writes is looked at by a later command or
// step, which may fail for it.
func (j *job) read(i int, s *step, c *deploy.ShellCommand) bool {
	lines := strings.Split(s.masked, "\n")
	line := ""
	last := c.Line
	for at := c.Line; at <= len(lines); at++ { // and those that continue it
		line += lines[at-1] + " "
		last = at
		if !strings.HasSuffix(strings.TrimSpace(lines[at-1]), "\\") {
			break
		}
	}
	var files []string
	for _, w := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t=<>|&;\"'\\", r) }) {
		if slices.Contains(reports, path.Ext(w)) && !strings.HasPrefix(path.Base(w), "requirements") && !strings.Contains(w, "constraints") && !strings.HasPrefix(path.Base(w), "package") {
			files = append(files, w)
		}
	}
	uses := func(text string) bool {
		return slices.ContainsFunc(files, func(f string) bool { return strings.Contains(text, f) })
	}
	for _, l := range lines[min(last, len(lines)):] {
		words := strings.Fields(l)
		if len(words) > 0 && !slices.Contains([]string{"cat", "echo", "ls", "head", "#"}, words[0]) && uses(l) {
			return true
		}
	}
	for _, o := range j.steps[i+1:] {
		name, _ := o.action()
		if o.uses == "" && uses(o.run) && !strings.HasPrefix(strings.TrimSpace(o.run), "cat ") {
			return true
		}
		if o.uses != "" && name != "actions/upload-artifact" && says(o.node.Get("with"), files...) {
			return true
		}
	}
	return false
}

// hooks finds audits among the hooks of pre-commit that find nothing.
func (r *repo) hooks() {
	for _, d := range r.Deploy.PreCommit {
		for _, repo := range d.Root.Get("repos").Items() {
			for _, h := range repo.Get("hooks").Items() {
				words := h.Get("entry").Words()
				a := deploy.AuditOf(words)
				tool := h.Get("id").Text()
				if a == nil {
					if a = deploy.AuditOf([]string{tool}); a == nil && !strings.HasPrefix(tool, "python-safety") {
						continue
					}
				}
				if a == nil {
					a = &deploy.Audit{Tool: "safety"}
				}
				a.Args = append(a.Args, h.Get("args").Words()...)
				at := h.Get("id")
				why := flags(a)
				if stages := h.Get("stages"); why == "" && stages != nil && len(stages.Words()) > 0 && !slices.ContainsFunc(stages.Words(), func(s string) bool { return s != "manual" }) && !r.manual(tool) {
					at, why = stages, "its only stage is manual"
				}
				if files := h.Get("files"); why == "" && files.Is("^$", "$^") {
					at, why = files, "it is given no files"
				}
				if why == "" {
					for _, c := range deploy.Shell(inner(words, h.Get("entry").Text())) {
						if c.Else != nil && deploy.AuditOf(c.Words) != nil && len(c.Else.Words) > 0 && slices.Contains(succeeds, c.Else.Words[0]) {
							at, why = h.Get("entry"), "|| "+short(c.Else.Words)+" follows it"
						}
					}
				}
				if why != "" {
					r.say(audits, audits.Severity, d.Place(at), "the hook %s cannot fail the commit: %s", tool, why)
				}
			}
		}
	}
}

// inner is the script of bash -c, or the line itself.
func inner(words []string, line string) string {
	if len(words) > 2 && strings.HasPrefix(words[1], "-") && strings.HasSuffix(words[1], "c") {
		return words[2]
	}
	return line
}

// manual tells whether something runs the hooks of the manual stage.
func (r *repo) manual(hook string) bool {
	for _, f := range slices.Concat(r.flows, r.pipelines) {
		if says(f.Root, "--hook-stage manual", "--hook-stage=manual", "pre-commit run "+hook) {
			return true
		}
	}
	return false
}
