package workflows

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// privileged are triggers whose runs have the repository's rights while
// outsiders decide what they are about.
var privileged = []string{"pull_request_target", "workflow_run", "issue_comment"}

// heads are parts of expressions that name the commit of a pull request.
var heads = []string{
	"github.event.pull_request.head.", "github.head_ref", "github.event.workflow_run.head_", "github.event.workflow_run.pull_requests",
	"refs/pull/", "github.event.pull_request.merge_commit_sha", "github.event.pull_request.number", "github.event.issue.number", "head_sha", "head_ref", "head.sha", "head.ref", "pull/",
}

// targeted finds jobs that run the code of a pull request with the rights of
// the repository.
func (r *repo) targeted(f *flow) {
	trigger := ""
	for _, name := range privileged {
		if f.triggers[name] != nil {
			trigger = name
			break
		}
	}
	if trigger == "" {
		return
	}
	for _, j := range f.jobs {
		for i, s := range j.steps {
			at, dir := s.checksOut()
			if at == nil {
				continue
			}
			if own(conditions(j, s)) || unlike(j, s, trigger) {
				continue
			}
			runs := j.running(j.steps[i:], dir)
			if runs == "" {
				continue
			}
			severity := finding.High
			if gated(j, s) || j.harmless() {
				severity = finding.Medium
			}
			r.say(target, severity, f.Place(at), "on %s the job %s checks out the code of whoever opened the pull request, and %s", trigger, j.name, runs)
			break
		}
	}
}

// unlike tells whether a condition says that the run is of another trigger.
func unlike(j *job, s *step, trigger string) bool {
	c := conditions(j, s)
	for _, other := range []string{"push", "pull_request", "schedule", "workflow_dispatch", "merge_group", "release"} {
		if strings.Contains(c, "github.event_name=='"+other+"'") && !strings.Contains(c, "'"+trigger+"'") {
			return true
		}
	}
	return strings.Contains(c, "github.event_name!='"+trigger+"'")
}

// checksOut is where a step fetches a pull request's code, and the folder that
// it puts it in; nil when it does not.
func (s *step) checksOut() (at *deploy.Node, dir string) {
	name, _ := s.action()
	if name == "actions/checkout" {
		for _, key := range []string{"ref", "repository"} {
			v := s.node.Get("with", key)
			if !strings.Contains(v.Text(), "${{") {
				continue
			}
			text := v.Text()
			for _, e := range exprs(v.Text()) {
				if n := s.job.env(s, strings.TrimPrefix(strings.TrimSpace(e.text), "env.")); n != nil {
					text += n.Value
				}
			}
			if slices.ContainsFunc(heads, func(h string) bool { return strings.Contains(strings.ToLower(text), h) }) {
				return v, strings.TrimPrefix(path.Clean(s.node.Get("with", "path").Text()), ".")
			}
		}
		return nil, ""
	}
	for _, c := range s.commands() {
		words := strings.Join(c.Words, " ")
		if strings.HasPrefix(words, "gh pr checkout") || strings.HasPrefix(words, "git ") && (strings.Contains(words, "pull/") && strings.Contains(words, "/head") || strings.Contains(words, "fetch") && slices.ContainsFunc(heads[:2], func(h string) bool { return strings.Contains(s.written(words), h) })) {
			return s.node.Get("run"), ""
		}
	}
	return nil, ""
}

// looks are commands that run nothing of what they look at.
var looks = strings.Fields("git gh echo printf cat grep egrep sed awk jq yq ls diff cmp find test [ [[ cd mkdir cp mv rm touch export set unset read true false : exit sleep date wc sort uniq head tail cut tr tee xargs basename dirname pwd which command curl wget sha256sum base64 env local return shift trap declare source . eval id whoami chmod chown ln stat file tree if apt-get apt sudo brew ruff black isort shellcheck codespell typos actionlint zizmor gitleaks trufflehog")

// running says what runs the code that a step has checked out; "" when nothing
// is known to.
func (j *job) running(steps []*step, dir string) string {
	for _, s := range steps {
		if strings.HasPrefix(s.uses, "./") && (dir == "" || strings.Contains(s.uses, dir)) {
			return "uses the action " + s.uses + " of it"
		}
		name, _ := s.action()
		switch name {
		case "pre-commit/action", "docker/bake-action", "jakebailey/pyright-action", "wagoid/commitlint-github-action", "golangci/golangci-lint-action", "goreleaser/goreleaser-action":
			return "runs " + name + " on it"
		case "docker/build-push-action":
			if context := s.node.Get("with", "context").Text(); strings.HasPrefix(context, ".") && (dir == "" || strings.Contains(context, dir)) {
				return "builds an image of it"
			}
		}
		where := s.node.Get("working-directory").Text()
		if where == "" {
			where = j.node.Get("defaults", "run", "working-directory").Text()
		}
		if dir != "" && !strings.Contains(where, dir) && !strings.Contains(s.run, dir) {
			continue
		}
		for _, c := range s.commands() {
			words := deploy.Behind(c.Words)
			if len(words) == 0 || strings.HasPrefix(words[0], "$") || strings.HasPrefix(words[0], "__") {
				continue
			}
			if !slices.Contains(looks, words[0]) {
				return "runs " + s.written(short(words)) + " in it"
			}
			if (words[0] == "source" || words[0] == "." || words[0] == "bash" || words[0] == "sh") && len(words) > 1 && !strings.HasPrefix(words[1], "/") && !strings.HasPrefix(words[1], "$") {
				return "runs " + words[1] + " of it"
			}
		}
	}
	return ""
}

func short(words []string) string {
	text := strings.Join(words[:min(len(words), 3)], " ")
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	if r := []rune(text); len(r) > 40 {
		text = string(r[:40]) + "…"
	}
	return text
}

// harmless tells whether a job has nothing that is worth taking: it may write
// nothing, and names no secret.
func (j *job) harmless() bool {
	p := j.node.Get("permissions")
	if p == nil {
		p = j.flow.Root.Get("permissions")
	}
	if p == nil || p.Is("write-all") {
		return false
	}
	writes := false
	p.Pairs(func(_, v *deploy.Node) { writes = writes || v.Is("write") })
	return !writes && !says(j.node, "secrets.") && !says(j.flow.Root.Get("env"), "secrets.")
}
