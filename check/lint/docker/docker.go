// Package docker finds what is wrong with images, in the files that they are
// built from.
package docker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at Dockerfiles.
var Analyzer = &analysis.Analyzer{
	Name:  "docker",
	Rules: []*analysis.Rule{root, latest, digest, copied, secret, pipe, sudo, addURL, writable},
	Run: func(p *analysis.Pass) {
		for _, d := range p.Deploy.Dockerfiles {
			if deploy.Aside(d.File) {
				continue
			}
			f := &file{Pass: p, Dockerfile: d}
			f.ships()
			f.user()
			f.images()
			f.secrets()
			f.copies()
			f.runs()
		}
	},
}

// A file is a Dockerfile that is looked at.
type file struct {
	*analysis.Pass
	*deploy.Dockerfile
	targets []*deploy.Stage // the stages that become images
	shipped []*deploy.Stage // those, and what they are built on
}

// ships finds the stages that become images.
func (f *file) ships() {
	f.targets = f.Images()
	for _, s := range f.targets {
		f.shipped = append(f.shipped, f.Chain(s)...)
	}
}

// each calls a function for the instructions that are no development's, and
// tells whether they are part of an image.
func (f *file) each(do func(s *deploy.Stage, in *deploy.Instruction, shipped bool)) {
	for _, s := range f.Stages {
		shipped := slices.Contains(f.shipped, s)
		if !shipped && deploy.Aside(s.Name) {
			continue
		}
		for i := range s.Instructions {
			do(s, &s.Instructions[i], shipped)
		}
	}
}

// report says what is wrong with an instruction, at the line of it that a text
// stands on.
func (f *file) report(r *analysis.Rule, s finding.Severity, in *deploy.Instruction, text, format string, args ...any) {
	f.Report(analysis.Finding{Rule: r, Severity: s, File: f.File, Line: f.line(in, text), Column: 1, Problem: fmt.Sprintf(format, args...)})
}

func (f *file) line(in *deploy.Instruction, text string) int {
	lines := strings.Split(string(f.Data), "\n")
	for l := in.Line; l <= in.End && l <= len(lines); l++ {
		if written := strings.TrimSpace(lines[l-1]); !strings.HasPrefix(written, "#") && strings.Contains(written, text) {
			return l
		}
	}
	return in.Line
}

// user looks at who the images run as.
func (f *file) user() {
	for _, s := range slices.Backward(f.targets) {
		in, problem := f.runsAs(s)
		if in == nil {
			continue
		}
		f.Report(analysis.Finding{
			Rule: root, Severity: root.Severity, File: f.File, Line: in.Line, Column: 1, Problem: problem,
			Edits: []analysis.Edit{f.setUser(s)},
		})
		return
	}
}

// drops are tools by which an entrypoint that begins as root becomes another.
var drops = []string{"gosu", "su-exec", "setpriv", "runuser", "s6-overlay", "fixuid"}

// runsAs is the instruction by which a stage runs as root; nil when it does
// not, or when that is not known.
func (f *file) runsAs(s *deploy.Stage) (*deploy.Instruction, string) {
	chain := f.Chain(s)
	for _, c := range chain {
		for i := range c.Instructions {
			if slices.ContainsFunc(drops, func(tool string) bool { return strings.Contains(c.Instructions[i].Text, tool) }) {
				return nil, ""
			}
		}
	}
	for _, c := range chain {
		for i := range slices.Backward(c.Instructions) {
			in := &c.Instructions[i]
			if in.Cmd != "USER" {
				continue
			}
			if name, _, _ := strings.Cut(in.Text, ":"); name != "root" && name != "0" {
				return nil, ""
			}
			return in, "the last USER is root"
		}
	}
	if image, known := deploy.ParseImage(chain[len(chain)-1].Image); !known || !image.Root() {
		return nil, ""
	}
	return &s.From, "no USER is set, and the base image's is root"
}

// setUser is the edit that makes a stage run as another user than root.
func (f *file) setUser(s *deploy.Stage) analysis.Edit {
	line := s.From.End + 1
	for i := range slices.Backward(s.Instructions) {
		in := &s.Instructions[i]
		if !in.Starts() {
			line = max(line, in.End+1)
			break
		}
		line = in.Line
	}
	at := f.offset(line)
	text := "USER 10001:10001\n"
	if at > 0 && f.Data[at-1] != '\n' {
		text = "\n" + text
	}
	return analysis.Edit{File: f.File, From: at, To: at, Text: text}
}

// offset is where a line begins; that behind the last is the end.
func (f *file) offset(line int) int {
	at := 0
	for range line - 1 {
		i := strings.IndexByte(string(f.Data[at:]), '\n')
		if i < 0 {
			return len(f.Data)
		}
		at += i + 1
	}
	return at
}

// images looks at what is built on, and at what is copied from.
func (f *file) images() {
	var tagged []*deploy.Stage
	for _, s := range f.Stages {
		image, known := deploy.ParseImage(s.Image)
		if deploy.Aside(s.Name) && !slices.Contains(f.shipped, s) || !known || f.Base(s) != nil || image.Name == "scratch" {
			continue
		}
		if image.Floating() {
			f.report(latest, latest.Severity, &s.From, "", "%s", floating(image))
		} else if image.Digest == "" {
			tagged = append(tagged, s)
		}
	}
	if len(tagged) > 0 {
		f.report(digest, digest.Severity, &tagged[0].From, "", "%s is named by a tag, and no digest holds it%s", tagged[0].Image, others(len(tagged)-1))
	}
	f.each(func(_ *deploy.Stage, in *deploy.Instruction, _ bool) {
		from := in.Flag("from")
		if from == "" || f.Stage(from) != nil || strings.Trim(from, "0123456789") == "" {
			return
		}
		if image, known := deploy.ParseImage(from); known && image.Floating() && strings.ContainsAny(from, "/:") {
			f.report(latest, latest.Severity, in, "", "%s", floating(image))
		}
	})
}

func floating(i deploy.Image) string {
	if i.Tag == "" {
		return i.Name + " has no tag, which is the latest"
	}
	return i.Name + " is the latest"
}

func others(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", and so is one other"
	}
	return fmt.Sprintf(", and so are %d others", n)
}

// secrets looks at what ENV and ARG write down.
func (f *file) secrets() {
	written := func(in *deploy.Instruction, name, value string) {
		if !analysis.Secret(name) {
			return
		}
		switch deploy.Judge(name, value) {
		case deploy.Real:
			f.report(secret, finding.High, in, name, "%s has a value in %s", name, in.Cmd)
		case deploy.Weak:
			f.report(secret, finding.Medium, in, name, "%s has a default in %s, which runs where nothing else is set", name, in.Cmd)
		}
	}
	for i := range f.Args {
		for _, kv := range f.Args[i].Pairs() {
			written(&f.Args[i], kv[0], kv[1])
		}
	}
	args := map[string]*deploy.Instruction{}
	var stage *deploy.Stage
	f.each(func(s *deploy.Stage, in *deploy.Instruction, shipped bool) {
		if s != stage {
			stage = s
			clear(args)
		}
		switch in.Cmd {
		case "ENV", "ARG":
			for _, kv := range in.Pairs() {
				written(in, kv[0], kv[1])
				if in.Cmd == "ARG" && shipped && kv[1] == "" && analysis.Secret(kv[0]) {
					args[kv[0]] = in
				}
			}
		}
		for name, arg := range args {
			if in.Cmd == "RUN" && mentions(in.Text, name) {
				f.report(secret, finding.Medium, arg, name, "build arguments stay in the image's history, and %s is used in RUN: use RUN --mount=type=secret", name)
				delete(args, name)
			} else if in.Cmd == "ENV" && mentions(in.Text, name) {
				f.report(secret, finding.Medium, in, name, "the build argument %s stays in the image's environment", name)
				delete(args, name)
			}
		}
	})
}

// mentions tells whether a text has a variable in it.
func mentions(text, name string) bool {
	for {
		i := strings.Index(text, "$")
		if i < 0 {
			return false
		}
		text = strings.TrimPrefix(text[i+1:], "{")
		if rest, ok := strings.CutPrefix(text, name); ok && (rest == "" || !strings.ContainsRune("_0123456789", rune(rest[0])) && !isLetter(rest[0])) {
			return true
		}
	}
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
