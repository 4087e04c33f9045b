package workflows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// posture says what holds for a repository as a whole, each once.
func (r *repo) posture() {
	r.pins()
	r.permits()
	var all, foreign, selfHosted, pipes []spot
	for _, f := range r.flows {
		for _, j := range f.jobs {
			if uses := j.node.Get("uses"); j.node.Get("secrets").Is("inherit") {
				s := spot{f.Place(j.node.Get("secrets")), uses.Text()}
				all = append(all, s)
				if !strings.HasPrefix(uses.Text(), "./") {
					foreign = append(foreign, s)
				}
			}
			if on := j.node.Get("runs-on"); r.exposed(j) && slices.Contains(labels(on), "self-hosted") {
				selfHosted = append(selfHosted, spot{f.Place(on), j.name})
			}
		}
	}
	for _, f := range slices.Concat(r.flows, r.pipelines) {
		for _, j := range f.jobs {
			for _, s := range j.steps {
				if c, tool := deploy.Piped(s.commands()); c != nil {
					pipes = append(pipes, spot{s.at(c.Line), fmt.Sprintf("%s runs what %s downloads", deploy.Behind(c.Words)[0], tool)})
				}
			}
		}
	}
	if len(foreign) > 0 {
		all = append(foreign, slices.DeleteFunc(all, func(s spot) bool { return !strings.HasPrefix(s.what, "./") })...)
	}
	r.once(inherit, inherit.Severity, all, "%s is given all secrets")
	severity := finding.Low
	if slices.ContainsFunc(r.Deploy.Names, func(n string) bool { return strings.HasPrefix(strings.ToUpper(n), "LICENSE") }) {
		severity = finding.Medium // what is licensed to others is most often public
	}
	r.once(runner, severity, selfHosted, "the job %s runs the code of pull requests on a machine of one's own")
	r.once(pipe, pipe.Severity, pipes, "%s")
}

// once says one thing of many places, at the first.
func (r *repo) once(rule *analysis.Rule, severity finding.Severity, spots []spot, format string) {
	if len(spots) > 0 {
		r.say(rule, severity, spots[0].Place, format+"%s", spots[0].what, others(spots))
	}
}

func labels(on *deploy.Node) []string {
	if on.Map() {
		on = on.Get("labels")
	}
	if on != nil && on.List {
		return on.Words()
	}
	return []string{on.Text()}
}

// exposed tells whether pull requests of outsiders run a job.
func (r *repo) exposed(j *job) bool {
	for name := range r.triggers(j.flow, 0) {
		if name == "pull_request" || name == "pull_request_target" {
			return !own(conditions(j, nil)) && !gated(j, nil) && !unlike(j, nil, name)
		}
	}
	return false
}

// pins finds actions that no commit holds. Those of GitHub itself count where
// there are no others.
func (r *repo) pins() {
	var branches, tags, first []spot
	note := func(f *flow, n *deploy.Node) {
		uses := n.Text()
		name, version, ok := strings.Cut(uses, "@")
		if !ok || strings.HasPrefix(uses, "./") || strings.HasPrefix(uses, "../") || strings.Contains(uses, "${{") || strings.HasPrefix(uses, "docker://") || commit(version) {
			return
		}
		s := spot{f.Place(n), uses}
		switch owner, _, _ := strings.Cut(strings.ToLower(name), "/"); {
		case owner == "actions" || owner == "github":
			first = append(first, s)
		case slices.Contains([]string{"main", "master", "develop", "dev", "trunk", "latest", "HEAD"}, version):
			branches = append(branches, s)
		default:
			tags = append(tags, s)
		}
	}
	for _, f := range r.flows {
		for _, j := range f.jobs {
			note(f, j.node.Get("uses"))
			for _, s := range j.steps {
				note(f, s.node.Get("uses"))
			}
		}
	}
	for _, f := range r.pipelines {
		includes := f.Root.Get("include").Items()
		if one := f.Root.Get("include"); one.Map() {
			includes = []*deploy.Node{one}
		}
		for _, i := range includes {
			if remote := i.Get("remote"); remote != nil && !i.Has("integrity") {
				tags = append(tags, spot{f.Place(remote), remote.Text()})
			}
			if c := i.Get("component"); strings.HasPrefix(c.Text(), "gitlab.com/") {
				if _, version, _ := strings.Cut(c.Text(), "@"); !commit(version) {
					tags = append(tags, spot{f.Place(c), c.Text()})
				}
			}
		}
	}
	switch {
	case len(branches) > 0:
		r.once(unpinned, unpinned.Severity, append(branches, tags...), "%s is whatever that names today, and no commit")
	case len(tags) > 0:
		r.once(unpinned, unpinned.Severity, tags, "%s names no commit: a tag can be moved to other code")
	default:
		r.once(unpinned, finding.Low, first, "%s names no commit: a tag can be moved to other code")
	}
}

// commit tells whether a version is one.
func commit(version string) bool {
	return (len(version) == 40 || len(version) == 64) && strings.Trim(version, "0123456789abcdef") == ""
}

// permits finds workflows whose token may do more than is said.
func (r *repo) permits() {
	var all, silent []spot
	for _, f := range r.flows {
		if f.action || !strings.HasPrefix(f.File, ".github/") && !strings.Contains(f.File, "/.github/") {
			continue
		}
		top := f.Root.Get("permissions")
		if top.Is("write-all") {
			all = append(all, spot{f.Place(top), "permissions are write-all"})
			continue
		}
		for _, j := range f.jobs {
			own := j.node.Get("permissions")
			if own.Is("write-all") {
				all = append(all, spot{f.Place(own), "permissions are write-all"})
				break
			}
			if top == nil && own == nil {
				at := f.Place(j.node)
				silent = append(silent, spot{at, "the job " + j.name + " does not say what its token may do"})
				break
			}
		}
	}
	r.once(permissions, permissions.Severity, append(all, silent...), "%s")
}
