package workflows

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// calls notes the inputs of the repository's own workflows and actions that
// their callers fill with what outsiders choose.
func (r *repo) calls() {
	r.given = map[string]origin{}
	give := func(j *job, s *step, uses string, with *deploy.Node) {
		if !strings.HasPrefix(uses, "./") {
			return
		}
		file := path.Clean(uses)
		with.Pairs(func(k, v *deploy.Node) {
			for _, e := range exprs(v.Text()) {
				if from := r.source(j, s, e, 0); from.context != "" && !own(conditions(j, s)) {
					from.power = r.power(j, s, from)
					r.given[file+" "+strings.ToLower(k.Value)] = from
				}
			}
		})
	}
	for range 2 { // those that are called may call
		for _, f := range r.flows {
			for _, j := range f.jobs {
				if !f.action {
					give(j, nil, j.node.Get("uses").Text(), j.node.Get("with"))
				}
				for _, s := range j.steps {
					give(j, s, s.uses, s.node.Get("with"))
				}
			}
		}
	}
}

// An origin is a context by which outsiders choose a text, and how much that
// gives them when the caller of a workflow decides it.
type origin struct {
	context string
	power   finding.Severity
}

// source is where outsiders choose the text of an expression; that of none
// when nothing is known to be.
func (r *repo) source(j *job, s *step, e expr, depth int) origin {
	for _, w := range e.whole {
		if outsiders(w, true) {
			return origin{context: w}
		}
	}
	for _, v := range e.values {
		if outsiders(v, false) {
			return origin{context: v}
		}
		if from := r.follow(j, s, v, depth); from.context != "" {
			return from
		}
	}
	return origin{}
}

// within is the source of what stands in a value.
func (r *repo) within(j *job, s *step, n *deploy.Node, depth int) origin {
	for _, e := range exprs(n.Text()) {
		if from := r.source(j, s, e, depth+1); from.context != "" {
			return from
		}
	}
	return origin{}
}

const maxFollow = 6

// follow finds what a context of a workflow's own was made of.
func (r *repo) follow(j *job, s *step, context string, depth int) origin {
	words := strings.Split(context, ".")
	switch {
	case depth > maxFollow:
	case words[0] == "env" && len(words) == 2:
		return r.within(j, s, j.env(s, words[1]), depth)
	case words[0] == "inputs" && len(words) == 2:
		file := j.flow.File
		if j.flow.action {
			file = path.Dir(file)
		}
		return r.given[file+" "+words[1]]
	case words[0] == "steps" && len(words) == 4 && words[2] == "outputs":
		for _, other := range j.steps {
			if strings.EqualFold(other.node.Get("id").Text(), words[1]) {
				return r.output(other, words[3], depth)
			}
		}
	case words[0] == "needs" && len(words) == 4 && words[2] == "outputs":
		for _, other := range j.flow.jobs {
			if strings.EqualFold(other.name, words[1]) {
				return r.within(other, nil, named(other.node.Get("outputs"), words[3]), depth)
			}
		}
	}
	return origin{}
}

// named is a value by its key, whose case does not matter.
func named(n *deploy.Node, key string) *deploy.Node {
	var found *deploy.Node
	n.Pairs(func(k, v *deploy.Node) {
		if strings.EqualFold(k.Value, key) {
			found = v
		}
	})
	return found
}

// env is the variable of a step as it is written: its own, its job's, or its
// workflow's.
func (j *job) env(s *step, name string) *deploy.Node {
	if s != nil {
		if n := named(s.node.Get("env"), name); n != nil {
			return n
		}
	}
	if n := named(j.node.Get("env"), name); n != nil {
		return n
	}
	return named(j.flow.Root.Get("env"), name)
}

// output finds what a step writes to one of its outputs, as it came.
func (r *repo) output(s *step, name string, depth int) origin {
	for _, c := range s.commands() {
		if !strings.Contains(c.Output, "GITHUB_OUTPUT") {
			continue
		}
		for _, w := range c.Words {
			key, value, ok := strings.Cut(w, "=")
			if !ok || !strings.EqualFold(key, name) || strings.Contains(value, "$(") || strings.Contains(value, "`") {
				continue
			}
			for _, e := range exprs(s.written(value)) {
				if from := r.source(s.job, s, e, depth+1); from.context != "" {
					return from
				}
			}
			for _, v := range variables(value) {
				if from := r.within(s.job, s, s.job.env(s, v), depth); from.context != "" {
					return from
				}
			}
		}
	}
	return origin{}
}

// injected finds expressions that become a part of a script.
func (r *repo) injected(f *flow) {
	for _, j := range f.jobs {
		for _, s := range j.steps {
			if s.run == "" {
				continue
			}
			seen := map[string]bool{}
			javascript := strings.HasPrefix(s.uses, "actions/github-script")
			for _, e := range exprs(s.run) {
				if javascript {
					// JSON of a text is a text of JavaScript, and stays one.
					e.whole = nil
				}
				from := r.source(j, s, e, 0)
				if from.context == "" || seen[from.context] || own(conditions(j, s)) {
					continue
				}
				seen[from.context] = true
				line := strings.Count(s.run[:e.from], "\n") + 1
				into := "the script"
				if s.uses != "" {
					into = "code that " + strings.SplitN(s.uses, "@", 2)[0] + " runs"
				}
				r.say(injection, r.power(j, s, from), s.at(line), "%s is put into %s before it is read: outsiders choose that text", from.context, into)
			}
		}
	}
}

// harmless are triggers whose runs get no secrets, and nothing else that who
// opens a pull request could not reach by its code.
var harmless = []string{"pull_request", "pull_request_review", "pull_request_review_comment"}

// carriers are the triggers that bring a context, by the name below
// github.event.
var carriers = map[string][]string{
	"pull_request": {"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"},
	"issue":        {"issues", "issue_comment"}, "comment": {"issue_comment", "commit_comment", "discussion_comment", "pull_request_review_comment"},
	"review": {"pull_request_review"}, "discussion": {"discussion", "discussion_comment"}, "commits": {"push"}, "head_commit": {"push"},
	"workflow_run": {"workflow_run"}, "pages": {"gollum"},
}

// power is how much an injection gives.
func (r *repo) power(j *job, s *step, from origin) finding.Severity {
	switch {
	case from.power != finding.Unknown:
		return from.power
	case gated(j, s):
		return finding.Medium
	}
	about := "pull_request" // github.head_ref
	if words := strings.Split(from.context, "."); len(words) > 2 && words[1] == "event" {
		about = words[2]
	}
	known := false
	for name := range r.triggers(j.flow, 0) {
		if brings := carriers[about]; brings != nil && !slices.Contains(brings, name) {
			known = true
			continue
		}
		if !slices.Contains(harmless, name) {
			return finding.High
		}
		known = true
	}
	if known {
		return finding.Medium
	}
	return finding.High
}

// triggers are those of a flow, and of those that call it.
func (r *repo) triggers(f *flow, depth int) map[string]bool {
	out := map[string]bool{}
	for name := range f.triggers {
		if name != "workflow_call" {
			out[name] = true
		}
	}
	if depth > maxFollow || !f.action && len(out) == len(f.triggers) {
		return out
	}
	file := f.File
	if f.action {
		file = path.Dir(file)
	}
	for _, other := range r.flows {
		if other == f {
			continue
		}
		for _, j := range other.jobs {
			if path.Clean(j.node.Get("uses").Text()) == file || slices.ContainsFunc(j.steps, func(s *step) bool { return strings.HasPrefix(s.uses, "./") && path.Clean(s.uses) == file }) {
				for name := range r.triggers(other, depth+1) {
					out[name] = true
				}
			}
		}
	}
	return out
}
