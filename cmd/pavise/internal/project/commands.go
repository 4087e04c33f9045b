package project

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/gateway/supervisor"
)

// readProcfile reads "name: command" lines.
func (l *look) readProcfile(name, text string) {
	for i, line := range strings.Split(text, "\n") {
		service, command, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		service = strings.TrimSpace(service)
		for _, c := range simpleCommands(command, nil) {
			l.command(Place{name, i + 1}, service, c.words, service == "web")
		}
	}
}

// readScript reads a shell script, such as the entry point of an image.
func (l *look) readScript(name, text string) {
	for _, c := range simpleCommands(text, nil) {
		l.command(Place{name, c.line}, "", c.words, false)
	}
}

// command notes a command line if a known server is in it, or always.
func (l *look) command(at Place, service string, argv []string, always bool) {
	if inner, ok := shellArgument(argv); ok {
		found := false
		for _, c := range simpleCommands(inner, nil) {
			if server, _ := supervisor.Find(c.words); server != "" {
				l.command(at, service, c.words, false)
				found = true
			}
		}
		if found {
			return
		}
	}
	server, i := supervisor.Find(argv)
	if server == "" {
		if always && len(argv) > 0 {
			keep(&l.found.Commands, Command{Place: at, Service: service, Argv: slices.Clone(argv)})
		}
		return
	}
	c := Command{Place: at, Service: service, Argv: slices.Clone(argv), Server: server}
	c.readFlags(argv[i+1:])
	keep(&l.found.Commands, c)
	l.flagFacts(c)
}

// flagFacts notes what a command says that is of use beyond it.
func (l *look) flagFacts(c Command) {
	for _, ip := range strings.Split(c.ForwardedAllowIPs, ",") {
		if ip = strings.TrimSpace(ip); ip != "" {
			keep(&l.found.Forwarded, Value{c.Place, ip})
		}
	}
	if c.RootPath != "" {
		keep(&l.found.RootPaths, Value{c.Place, c.RootPath})
	}
}

// shellArgument is the script of `sh -c SCRIPT`.
func shellArgument(argv []string) (string, bool) {
	if len(argv) < 3 {
		return "", false
	}
	switch path.Base(argv[0]) {
	case "sh", "bash", "ash", "dash":
	default:
		return "", false
	}
	for i, arg := range argv[1 : len(argv)-1] {
		if !strings.HasPrefix(arg, "-") {
			return "", false
		}
		if !strings.HasPrefix(arg, "--") && strings.Contains(arg, "c") {
			return argv[i+2], true
		}
	}
	return "", false
}

// target is what servers are told to serve: package.module:name.
var target = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.\w+)*(\(\))?$`)

// readFlags reads a server's own arguments.
func (c *Command) readFlags(args []string) {
	fields := map[string]*string{
		"--host": &c.Host, "--port": &c.Port, "--root-path": &c.RootPath, "--url-path-prefix": &c.RootPath,
		"--forwarded-allow-ips": &c.ForwardedAllowIPs, "--workers": &c.Workers,
	}
	bind := new(string)
	if c.Server == "gunicorn" || c.Server == "hypercorn" {
		fields["--bind"], fields["-b"], fields["-w"] = bind, bind, &c.Workers
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, value, glued := strings.Cut(arg, "=")
		if !strings.HasPrefix(arg, "--") && len(arg) > 2 && fields[arg[:2]] != nil {
			name, value, glued = arg[:2], strings.TrimPrefix(arg[2:], "="), true
		}
		if f := fields[name]; f != nil {
			if !glued && i+1 < len(args) {
				i++
				value = args[i]
			}
			*f = value
			continue
		}
		if c.Target == "" && target.MatchString(arg) {
			c.Target = arg
		}
	}
	if at := strings.LastIndexByte(*bind, ':'); at >= 0 && !strings.HasPrefix(*bind, "unix:") && !strings.HasPrefix(*bind, "fd:") {
		c.Host, c.Port = (*bind)[:at], (*bind)[at+1:]
	} else if *bind != "" {
		c.Host = *bind
	}
}

// A stage is a part of a Dockerfile from one FROM to the next.
type stage struct {
	vars       map[string]string
	entry, cmd *instruction
}

type instruction struct {
	text string
	line int
}

// readDockerfile reads the command that an image runs. Only the last CMD and
// ENTRYPOINT of a stage count.
func (l *look) readDockerfile(name, text string) {
	var stages []*stage
	global := map[string]string{} // ARG before the first FROM
	now := func() *stage {
		if len(stages) == 0 {
			stages = append(stages, &stage{vars: global})
		}
		return stages[len(stages)-1]
	}
	for _, in := range instructions(text) {
		word, rest, _ := strings.Cut(in.text, " ")
		rest = strings.TrimSpace(rest)
		in.text = rest
		switch strings.ToUpper(word) {
		case "FROM":
			stages = append(stages, &stage{vars: map[string]string{}})
		case "ENV", "ARG":
			words := dockerWords(rest, now().vars)
			if len(words) > 1 && !strings.Contains(words[0], "=") {
				words = []string{words[0] + "=" + strings.Join(words[1:], " ")} // ENV KEY the value
			}
			for _, w := range words {
				if key, value, ok := strings.Cut(w, "="); ok {
					now().vars[key] = value
					if key == "FORWARDED_ALLOW_IPS" {
						keep(&l.found.Forwarded, Value{Place{name, in.line}, value})
					}
				}
			}
		case "EXPOSE":
			for _, port := range dockerWords(rest, now().vars) {
				keep(&l.found.Ports, Value{Place{name, in.line}, port})
			}
		case "ENTRYPOINT":
			now().entry, now().cmd = &in, nil // it resets a CMD of the base image
		case "CMD":
			now().cmd = &in
		}
	}
	for i, s := range stages {
		l.imageCommand(name, s, i == len(stages)-1)
	}
}

// imageCommand puts ENTRYPOINT and CMD together as Docker does.
func (l *look) imageCommand(name string, s *stage, last bool) {
	var entry, cmd []string
	if s.entry != nil {
		list, ok := execForm(s.entry.text)
		if !ok { // the shell form, after which CMD has no effect
			l.imageScript(name, s.entry, s.vars, last)
			return
		}
		entry = list
	}
	if s.cmd == nil {
		if entry != nil {
			l.command(Place{name, s.entry.line}, "", entry, last)
		}
		return
	}
	at := Place{name, s.cmd.line}
	cmd, ok := execForm(s.cmd.text)
	if !ok {
		l.imageScript(name, s.cmd, s.vars, last)
		return
	}
	both := slices.Concat(entry, cmd)
	if server, _ := supervisor.Find(both); server == "" && entry != nil {
		if server, _ := supervisor.Find(cmd); server != "" {
			l.command(at, "", cmd, false) // a script that ends with exec "$@"
			return
		}
	}
	l.command(at, "", both, last)
}

// imageScript reads a shell form.
func (l *look) imageScript(name string, in *instruction, vars map[string]string, last bool) {
	commands := simpleCommands(in.text, vars)
	served := false
	for _, c := range commands {
		server, _ := supervisor.Find(c.words)
		served = served || server != ""
	}
	for i, c := range commands {
		l.command(Place{name, in.line}, "", c.words, last && !served && i == len(commands)-1)
	}
}

// execForm reads the JSON array form. Docker takes anything that is not one
// for the shell form.
func execForm(text string) ([]string, bool) {
	if !strings.HasPrefix(text, "[") {
		return nil, false
	}
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil || len(list) == 0 {
		return nil, false
	}
	return list, true
}

// dockerWords splits what follows ENV or EXPOSE: words with quotes and
// variables, but no operators.
func dockerWords(text string, vars map[string]string) []string {
	var out []string
	r := strings.NewReplacer(";", `\;`, "|", `\|`, "&", `\&`, "(", `\(`, ")", `\)`, "<", `\<`, ">", `\>`, "#", `\#`)
	// An assignment in front of nothing would be dropped as one of a command.
	for _, c := range simpleCommands("_ "+r.Replace(text), vars) {
		out = append(out, c.words[1:]...)
	}
	return out
}

var heredoc = regexp.MustCompile(`<<-?\s*["']?([A-Za-z_]\w*)["']?`)

// instructions splits a Dockerfile: comments go, continued lines are joined,
// and the bodies of here-documents are skipped.
func instructions(text string) []instruction {
	var (
		out    []instruction
		escape = `\`
		lines  = strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	)
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if strings.HasPrefix(line, "#") {
			// A directive counts only at the top.
			if key, value, ok := strings.Cut(strings.TrimSpace(line[1:]), "="); ok && len(out) == 0 && strings.EqualFold(strings.TrimSpace(key), "escape") && strings.TrimSpace(value) == "`" {
				escape = "`"
			}
			continue
		}
		if line == "" {
			continue
		}
		in := instruction{line: i + 1}
		for {
			part, more := strings.CutSuffix(line, escape)
			in.text += part
			if !more {
				break
			}
			for i++; i < len(lines); i++ { // comments and empty lines in between do not end it
				line = strings.TrimSpace(lines[i])
				if line != "" && !strings.HasPrefix(line, "#") {
					break
				}
			}
			if i >= len(lines) {
				break
			}
		}
		in.text = strings.Replace(in.text, "\t", " ", 1)
		out = append(out, in)
		word, _, _ := strings.Cut(in.text, " ")
		if word = strings.ToUpper(word); word != "RUN" && word != "COPY" && word != "ADD" {
			continue
		}
		for _, m := range heredoc.FindAllStringSubmatch(in.text, -1) {
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != m[1]; i++ {
			}
		}
	}
	return out
}
