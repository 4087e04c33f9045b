package deploy

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// A Dockerfile is one, by stages.
type Dockerfile struct {
	File   string
	Stages []*Stage
	// Args stand before the first FROM.
	Args []Instruction
	Data []byte
}

// A Stage begins with FROM.
type Stage struct {
	Image, Name  string
	From         Instruction
	Instructions []Instruction
}

// An Instruction is a line, or a few.
type Instruction struct {
	Place
	Cmd   string // in upper case
	Args  []string
	Flags []string
	JSON  bool   // the exec form
	Text  string // as written, without the instruction's name
	End   int    // the last line
	heres []parser.Heredoc
}

// Last is the stage that becomes the image.
func (d *Dockerfile) Last() *Stage {
	if len(d.Stages) == 0 {
		return nil
	}
	return d.Stages[len(d.Stages)-1]
}

// Stage is one by its name; nil when there is none.
func (d *Dockerfile) Stage(name string) *Stage { return stage(d.Stages, name) }

func stage(stages []*Stage, name string) *Stage {
	for _, s := range stages {
		if s.Name != "" && strings.EqualFold(s.Name, name) {
			return s
		}
	}
	return nil
}

// Base is the stage that a stage is built on, which stands before it; nil when
// it is built on an image.
func (d *Dockerfile) Base(s *Stage) *Stage {
	return stage(d.Stages[:max(slices.Index(d.Stages, s), 0)], s.Image)
}

// Chain is the stage, and those that it is built on.
func (d *Dockerfile) Chain(s *Stage) []*Stage {
	var out []*Stage
	for ; s != nil; s = d.Base(s) {
		out = append(out, s)
	}
	return out
}

// Images are the stages that become images: the last one, and each that says
// what it runs and that no other stage takes a part of. Those for development
// count where there are no others.
func (d *Dockerfile) Images() []*Stage {
	parts := map[*Stage]bool{}
	lives := func(s *Stage) bool { return !Aside(s.Name) }
	for _, s := range d.Stages {
		if lives(s) {
			parts[d.Base(s)] = true
		}
		for i := range s.Instructions {
			if from := s.Instructions[i].Flag("from"); from != "" {
				parts[d.Stage(from)] = true
			}
		}
	}
	var out []*Stage
	for _, s := range d.Stages {
		if s == d.Last() || !parts[s] && slices.ContainsFunc(s.Instructions, Instruction.Starts) {
			out = append(out, s)
		}
	}
	if slices.ContainsFunc(out, lives) {
		out = slices.DeleteFunc(out, func(s *Stage) bool { return !lives(s) })
	}
	return out
}

// Starts tells whether an instruction says what the image runs.
func (in Instruction) Starts() bool { return in.Cmd == "CMD" || in.Cmd == "ENTRYPOINT" }

// Flag is the value of a flag such as --from.
func (in *Instruction) Flag(name string) string {
	for _, f := range in.Flags {
		if value, ok := strings.CutPrefix(f, "--"+name+"="); ok {
			return value
		}
	}
	return ""
}

var errNoStage = errors.New("no FROM is in it")

func dockerfile(file string, data []byte) (*Dockerfile, error) {
	res, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	d := &Dockerfile{File: file, Data: data}
	args := map[string]string{}
	for _, n := range res.AST.Children {
		in := Instruction{Place: Place{file, n.StartLine, 1}, Cmd: strings.ToUpper(n.Value), Flags: n.Flags, JSON: n.Attributes["json"], End: n.EndLine, heres: n.Heredocs}
		_, text, _ := strings.Cut(strings.TrimSpace(n.Original), " ")
		in.Text = strings.TrimSpace(text)
		for at := n.Next; at != nil; at = at.Next {
			in.Args = append(in.Args, at.Value)
		}
		if in.Cmd == "ARG" && len(d.Stages) == 0 {
			d.Args = append(d.Args, in)
			for _, a := range in.Args {
				name, value, _ := strings.Cut(a, "=")
				args[name] = expand(strings.Trim(value, `"'`), args)
			}
			continue
		}
		if in.Cmd == "FROM" {
			s := &Stage{From: in}
			if len(in.Args) > 0 {
				s.Image = expand(in.Args[0], args)
			}
			if len(in.Args) == 3 && strings.EqualFold(in.Args[1], "as") {
				s.Name = in.Args[2]
			}
			d.Stages = append(d.Stages, s)
			continue
		}
		if s := d.Last(); s != nil {
			s.Instructions = append(s.Instructions, in)
		}
	}
	if len(d.Stages) == 0 {
		return nil, errNoStage
	}
	return d, nil
}

// expand puts in what ARG gives by default, and leaves what is not known.
func expand(s string, args map[string]string) string {
	return os.Expand(s, func(written string) string {
		name, instead, _ := strings.Cut(written, ":-")
		switch {
		case args[name] != "":
			return args[name]
		case instead != "":
			return instead
		}
		return "${" + written + "}"
	})
}

// Commands are those that the instruction runs.
func (in *Instruction) Commands() []*ShellCommand {
	if in.JSON {
		return []*ShellCommand{{Words: in.Args, Line: 1}}
	}
	return Shell(in.script())
}

// script is what the shell is given.
func (in *Instruction) script() string {
	script := strings.Join(in.Args, " ")
	if len(in.heres) == 0 {
		return script
	}
	if first := in.heres[0].Content; strings.HasPrefix(script, "<<") {
		// A here-document alone is the script, unless it names another language.
		if line, _, _ := strings.Cut(first, "\n"); strings.HasPrefix(line, "#!") && !strings.Contains(line, "sh") {
			return ""
		}
		return first
	}
	for _, h := range in.heres {
		script += "\n" + h.Content + h.Name
	}
	return script
}

// Pairs are the names and values of ENV, ARG and LABEL.
func (in *Instruction) Pairs() [][2]string {
	var out [][2]string
	switch in.Cmd {
	case "ENV", "LABEL": // name, value, separator
		for i := 0; i+1 < len(in.Args); i += 3 {
			out = append(out, [2]string{in.Args[i], strings.Trim(in.Args[i+1], `"'`)})
		}
	case "ARG":
		for _, a := range in.Args {
			name, value, _ := strings.Cut(a, "=")
			out = append(out, [2]string{name, strings.Trim(value, `"'`)})
		}
	}
	return out
}
