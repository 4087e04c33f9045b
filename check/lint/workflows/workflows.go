// Package workflows finds what is wrong with what a repository runs at GitHub
// and at GitLab: who can put code into it, who gets its secrets, and audits
// that cannot fail.
package workflows

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at workflows, composite actions, pipelines and hooks.
var Analyzer = &analysis.Analyzer{
	Name:  "workflows",
	Rules: []*analysis.Rule{injection, target, audits, echo, unpinned, permissions, inherit, runner, pipe},
	Run: func(p *analysis.Pass) {
		r := &repo{Pass: p}
		for _, d := range p.Deploy.Workflows {
			r.flows = append(r.flows, newFlow(d))
		}
		for _, d := range p.Deploy.Actions {
			r.flows = append(r.flows, newAction(d))
		}
		for _, d := range p.Deploy.GitLab {
			r.pipelines = append(r.pipelines, newPipeline(d))
		}
		r.calls()
		for _, f := range r.flows {
			r.injected(f)
			r.targeted(f)
			r.audited(f)
			r.echoed(f)
		}
		for _, f := range r.pipelines {
			r.audited(f)
			r.echoed(f)
		}
		r.hooks()
		r.posture()
	},
}

// A repo is all workflows of one.
type repo struct {
	*analysis.Pass
	flows     []*flow // of GitHub
	pipelines []*flow // of GitLab
	// given are the inputs of workflows and actions, by file and name, that
	// callers fill with what outsiders choose; the value says with what.
	given map[string]origin
}

// A flow is a workflow, a composite action, or a pipeline of GitLab.
type flow struct {
	*deploy.Document
	action   bool
	gitlab   bool
	triggers map[string]*deploy.Node
	jobs     []*job
}

// A job is one of a flow. A composite action is one.
type job struct {
	flow  *flow
	name  string
	node  *deploy.Node
	steps []*step
}

// A step is one of a job.
type step struct {
	job  *job
	node *deploy.Node
	// uses is the action, run the script; code is where the script stands,
	// which may be an input of an action that runs it.
	uses, run string
	code      *deploy.Node
	masked    string
	words     map[string]expr
	shell     []*deploy.ShellCommand
	parsed    bool
}

func newFlow(d *deploy.Document) *flow {
	f := &flow{Document: d, triggers: map[string]*deploy.Node{}}
	on := d.Root.Get("on")
	if on == nil {
		on = d.Root.Get("true")
	}
	switch {
	case on.Map():
		on.Pairs(func(k, v *deploy.Node) { f.triggers[k.Value] = v })
	case on != nil && on.List:
		for _, i := range on.Items() {
			f.triggers[i.Value] = i
		}
	case on.Text() != "":
		f.triggers[on.Text()] = on
	}
	d.Root.Get("jobs").Pairs(func(k, v *deploy.Node) {
		f.add(k.Value, v, v.Get("steps").Items())
	})
	return f
}

func newAction(d *deploy.Document) *flow {
	f := &flow{Document: d, action: true, triggers: map[string]*deploy.Node{}}
	f.add("", d.Root, d.Root.Get("runs", "steps").Items())
	return f
}

func (f *flow) add(name string, node *deploy.Node, steps []*deploy.Node) {
	j := &job{flow: f, name: name, node: node}
	for _, n := range steps {
		s := &step{job: j, node: n, uses: n.Get("uses").Text()}
		s.code = n.Get("run")
		if s.code == nil {
			s.code = inline(n)
		}
		s.run = s.code.Text()
		j.steps = append(j.steps, s)
	}
	f.jobs = append(f.jobs, j)
}

// inline is the input of an action that is code which it runs.
func inline(n *deploy.Node) *deploy.Node {
	if n.Get("uses") == nil {
		return nil
	}
	for _, key := range []string{"script", "inlineScript", "run", "command", "cmd"} {
		if v := n.Get("with", key); v.Text() != "" {
			return v
		}
	}
	return nil
}

// notJobs are keys of a pipeline of GitLab that are no jobs.
var notJobs = []string{"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script", "after_script", "spec"}

func newPipeline(d *deploy.Document) *flow {
	f := &flow{Document: d, gitlab: true, triggers: map[string]*deploy.Node{}}
	d.Root.Pairs(func(k, v *deploy.Node) {
		if !v.Map() || slices.Contains(notJobs, k.Value) || strings.HasPrefix(k.Value, ".") {
			return
		}
		j := &job{flow: f, name: k.Value, node: v}
		for _, key := range []string{"before_script", "script", "after_script"} {
			script := v.Get(key)
			lines := script.Items()
			if len(lines) == 0 && script.Text() != "" {
				lines = []*deploy.Node{script}
			}
			for _, l := range lines {
				for _, at := range append(l.Items(), l) { // an anchor's list
					if at.Text() != "" {
						j.steps = append(j.steps, &step{job: j, node: v, code: at, run: at.Value})
					}
				}
			}
		}
		f.jobs = append(f.jobs, j)
	})
	return f
}

// commands are those of a step's script, expressions masked.
func (s *step) commands() []*deploy.ShellCommand {
	if s.parsed {
		return s.shell
	}
	s.parsed = true
	if s.uses != "" || s.run == "" || !s.isShell() {
		return nil
	}
	s.masked, s.words = mask(s.run)
	s.shell = deploy.Shell(s.masked)
	return s.shell
}

// isShell tells whether a step's script is one of a shell like sh.
func (s *step) isShell() bool {
	shell := strings.ToLower(s.shellName())
	return !strings.HasPrefix(shell, "pwsh") && !strings.HasPrefix(shell, "powershell") && !strings.HasPrefix(shell, "cmd") && !strings.HasPrefix(shell, "python")
}

func (s *step) shellName() string {
	for _, n := range []*deploy.Node{s.node.Get("shell"), s.job.node.Get("defaults", "run", "shell"), s.job.flow.Root.Get("defaults", "run", "shell")} {
		if n.Text() != "" {
			return n.Text()
		}
	}
	return ""
}

// written undoes a mask.
func (s *step) written(word string) string {
	for name, e := range s.words {
		word = strings.ReplaceAll(word, name, "${{"+e.text+"}}")
	}
	return word
}

// at is the place of a line of the script.
func (s *step) at(line int) deploy.Place {
	return s.job.flow.Line(s.code, line)
}

// action is the name of the action that a step uses, and its version.
func (s *step) action() (name, version string) {
	name, version, _ = strings.Cut(s.uses, "@")
	return strings.ToLower(name), version
}

// says tells whether any scalar below a node has one of the texts.
func says(n *deploy.Node, texts ...string) bool {
	found := false
	n.Walk(func(n *deploy.Node) {
		found = found || n != nil && slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(n.Value, t) })
	})
	return found
}

// conditions are what decides whether a step of a job runs, or the job, in one
// text without spaces.
func conditions(j *job, s *step) string {
	c := j.node.Get("if").Text()
	if s != nil {
		c += " " + s.node.Get("if").Text()
	}
	return strings.Join(strings.Fields(c), "")
}

// own tells whether a condition lets only what the repository's own people
// have pushed in.
func own(condition string) bool {
	for _, text := range []string{
		"head.repo.full_name==github.repository", "github.repository==github.event.pull_request.head.repo.full_name", "head.repo.fork==false", "!github.event.pull_request.head.repo.fork",
		"head_repository.full_name==github.repository", "head.repo.owner.login==github.repository_owner", "head_repository.owner.login==github.repository_owner", "github.event.workflow_run.event=='push'", "head.repo.id==github.repository_id", "head.repo.full_name=='", "head_repository.full_name=='",
		"github.event.workflow_run.event!='pull_request'", "github.event.pull_request.merged==true", "pull_request.head.user.login==github.repository_owner",
	} {
		if strings.Contains(condition, text) {
			return true
		}
	}
	return strings.Contains(condition, "pull_request.merged") && !strings.Contains(condition, "!github.event.pull_request.merged")
}

// gated tells whether somebody of the project lets each run begin: by an
// environment, a label or a role, or by who may ask for it.
func gated(j *job, s *step) bool {
	if j.node.Has("environment") {
		return true
	}
	c := conditions(j, s)
	for _, text := range []string{"label", "author_association", "github.actor", "github.triggering_actor", "sender.login", "user.login", "sender.type", "needs.", "permission"} {
		if strings.Contains(c, text) {
			return true
		}
	}
	for name, v := range j.flow.triggers {
		if types := v.Get("types"); strings.HasPrefix(name, "pull_request") && len(types.Words()) > 0 && !slices.ContainsFunc(types.Words(), func(t string) bool { return t != "labeled" }) {
			return true
		}
	}
	return false
}

// A spot is one of the places that a posture stands at.
type spot struct {
	deploy.Place
	what string
}

func (r *repo) say(rule *analysis.Rule, severity finding.Severity, at deploy.Place, format string, args ...any) {
	r.Report(analysis.Finding{Rule: rule, Severity: severity, File: at.File, Line: max(at.Line, 1), Column: max(at.Column, 1), Problem: fmt.Sprintf(format, args...)})
}

// others counts those that are not the first, and says where they begin.
func others(spots []spot) string {
	n := len(spots) - 1
	if n < 1 {
		return ""
	}
	var where []string
	for _, s := range spots[1:min(len(spots), 3)] {
		where = append(where, fmt.Sprintf("%s:%d", path.Base(s.File), s.Line))
	}
	noun := "others"
	if n == 1 {
		noun = "other"
	}
	more := ""
	if n > len(where) {
		more = ", …"
	}
	return fmt.Sprintf(", and so on in %d %s (%s%s)", n, noun, strings.Join(where, ", "), more)
}
