package injection

import (
	"context"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func fileChecks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/path-traversal", Claim: "values never lead out of the directory that is served", Severity: finding.Critical,
		Refs: []string{"CWE-22", "V5.3.2"},
		Sure: "the first line of a file that every such system has was in the answer twice, and not in that to the same path with a name that is not there",
		Fix:  "Look the file up by an id, or open it below its directory with os.Root or an equal.", Pavise: "lint/path-traversal",
		Run: bySlot(pathlike, traversal),
	}, {
		ID: "probe/upload-name", Claim: "the name of a file that is sent is no path", Severity: finding.Medium,
		Refs: []string{"CWE-22", "CWE-434", "V5.3.2"},
		Sure: "it is a suspicion and no more: nothing is written where it does not belong to find out",
		Fix:  "Store files under names of your own, and keep the given name as data after its last separator.", Pavise: "",
		Run: bySlot(isFile, fileName),
	}}
}

// pathlike slots may name a file: what reads is tried with every text, and
// what writes with those that are named so.
func pathlike(g *target, s *slot) bool {
	if !textual(g, s) || s.kind != free {
		return false
	}
	return namesFile(g, s) || g.reads() && (s.In == "query" || s.In == "path")
}

func namesFile(g *target, s *slot) bool {
	if s.is("file", "path", "document", "template", "page", "folder", "include", "attachment", "image", "img", "src", "report", "theme", "layout", "download", "asset", "view") ||
		strings.EqualFold(s.Name, "dir") || strings.EqualFold(s.Name, "doc") {
		return true
	}
	return g.reads() && s.In != "header" && holds(strings.ToLower(g.op.Path), "file", "download", "static", "export", "attachment", "image", "asset", "media", "docs", "read", "log", "template", "report", "theme", "layout", "page", "document")
}

// passwd is the first line of /etc/passwd, and ini that of win.ini.
var (
	passwd = lazy.Regexp(`root:[^:\n"]{0,64}:0:0:[^:\n"]{0,64}:/`)
	ini    = lazy.Regexp(`; for 16-bit app support`)
)

const up = "../../../../../../../../../../"

func traversal(ctx context.Context, g *target, s *slot) *outcome {
	if s.err != nil {
		return unclear(s.err)
	}
	// What refuses a quote may take a path, so that a slot is not settled.
	forms := []string{up + "etc/passwd"}
	if namesFile(g, s) {
		forms = append(forms, "/etc/passwd", "....//....//....//....//....//....//....//....//etc/passwd", `..\..\..\..\..\..\..\..\..\..\windows\win.ini`,
			strings.ReplaceAll(up, "/", "%2f")+"etc%2fpasswd", strings.ReplaceAll(up, "..", "%2e%2e")+"etc/passwd", "file:///etc/passwd")
		if v, ok := s.Value.(string); ok && v != "" {
			// What must begin as a valid one does, perhaps with its directory.
			if i := strings.LastIndexByte(v, '/'); i > 0 {
				v = v[:i]
			}
			forms = append(forms, v+"/"+up+"etc/passwd")
		}
	}
	for i, form := range forms {
		if s.max >= 0 && len(form) > s.max {
			continue
		}
		variants := []func(v string) *trial.Draft{func(v string) *trial.Draft { return g.with(s, v) }}
		if s.In == "path" && i == 0 && namesFile(g, s) {
			// As it is, for routes whose last part is a path.
			variants = append(variants, func(v string) *trial.Draft {
				d := g.fresh()
				d.Exact = strings.ReplaceAll(d.Base+d.Op.Path, "{"+s.Name+"}", v)
				for name, value := range d.Path {
					d.Exact = strings.ReplaceAll(d.Exact, "{"+name+"}", value)
				}
				return d
			})
		}
		for _, request := range variants {
			e, err := g.send(ctx, request(form))
			if err != nil {
				return unclear(err)
			}
			if !passwd().Match(e.Body) && !ini().Match(e.Body) {
				continue
			}
			twin, err := g.send(ctx, request(strings.NewReplacer("passwd", "paswwd", "win.ini", "wim.ini").Replace(form)))
			if err != nil {
				return unclear(err)
			}
			again, err := g.send(ctx, request(form))
			if err != nil {
				return unclear(err)
			}
			if reads := passwd().Match(again.Body) || ini().Match(again.Body); !reads || passwd().Match(twin.Body) || ini().Match(twin.Body) {
				continue
			}
			return failed("404 or 422", "a file of the system is read (%d)", again.Status).by(twin, again)
		}
	}
	return nil
}

func isFile(_ *target, s *slot) bool { return s.kind == file }

// fileName sends a name that goes into a directory and out of it again: taken
// for a path it is where it would have been anyway.
func fileName(ctx context.Context, g *target, s *slot) *outcome {
	f, ok := s.Value.(trial.File)
	if !ok || g.base == nil {
		return nil
	}
	var e, twin *traffic.Exchange
	var name string
	for range 2 {
		mark := g.make.Mark()
		name = mark + "/../" + mark + ".txt"
		var err error
		if twin, err = g.try(ctx, s, trial.File{Name: mark + "-..-" + mark + ".txt", Type: f.Type, Data: f.Data}); err != nil {
			return unclear(err)
		}
		if e, err = g.try(ctx, s, trial.File{Name: name, Type: f.Type, Data: f.Data}); err != nil {
			return unclear(err)
		}
		escaped := strings.ReplaceAll(name, "/", `\/`)
		kept := e.OK() && (strings.Contains(string(e.Body), name) || strings.Contains(string(e.Body), escaped))
		if !twin.OK() || !crashed(e) && !kept {
			return nil
		}
	}
	if crashed(e) {
		return suspected("422, or the name after its last separator", "%d to a file whose name has /../ in it, and %d to one whose name has not", e.Status, twin.Status).by(twin, e)
	}
	return suspected("422, or the name after its last separator", "a file's name is kept with /../ in it").by(twin, e)
}
