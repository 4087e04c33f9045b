package supervisor

import (
	"path"
	"slices"
	"strings"
)

// A starter is a program whose arguments are another command.
type starter struct {
	sub    []string // words that must stand before that command, such as "run"
	values []string // its options that take a value
	module []string // its options whose value is a Python module to run
	assign bool     // takes NAME=value before the command
}

// starters lists the programs that are looked through. `sh -c` is not one of
// them: a shell line can do anything, and says {socket} if it wants to.
func starters() map[string]starter {
	return map[string]starter{
		"env":                      {assign: true, values: []string{"-u", "--unset", "-C", "--chdir"}},
		"nice":                     {values: []string{"-n", "--adjustment"}},
		"ionice":                   {values: []string{"-c", "--class", "-n", "--classdata"}},
		"nohup":                    {},
		"tini":                     {values: []string{"-p", "-e"}},
		"dumb-init":                {values: []string{"-r", "--rewrite"}},
		"opentelemetry-instrument": {values: []string{"--traces_exporter", "--metrics_exporter", "--logs_exporter", "--service_name", "--exporter_otlp_endpoint"}},
		"ddtrace-run":              {},
		"newrelic-admin":           {sub: []string{"run-program"}},
		"poetry":                   {sub: []string{"run"}, values: []string{"-C", "--directory", "-P", "--project"}},
		"pipenv":                   {sub: []string{"run"}, values: []string{"--python"}},
		"pdm":                      {sub: []string{"run"}, values: []string{"-p", "--project", "-c", "--config", "--venv"}},
		"rye":                      {sub: []string{"run"}, values: []string{"--pyproject"}},
		"hatch":                    {sub: []string{"run"}, values: []string{"-e", "--env", "-p", "--project", "--config", "--data-dir", "--cache-dir"}},
		"conda":                    {sub: []string{"run"}, values: []string{"-n", "--name", "-p", "--prefix", "--cwd"}},
		"micromamba":               {sub: []string{"run"}, values: []string{"-n", "--name", "-p", "--prefix", "--cwd", "-e", "--env", "-a", "--attach"}},
		"uv": {sub: []string{"run"}, module: []string{"-m", "--module"}, values: []string{
			"--extra", "--no-extra", "--group", "--no-group", "--only-group", "--env-file", "-w", "--with", "--with-editable", "--with-requirements",
			"-p", "--python", "--package", "--project", "--directory", "--index", "--default-index", "-i", "--index-url", "--extra-index-url",
			"-f", "--find-links", "-C", "--config-setting", "--config-file", "--cache-dir", "--refresh-package", "--reinstall-package",
			"-P", "--upgrade-package", "--resolution", "--prerelease", "--exclude-newer", "--link-mode", "--color", "--allow-insecure-host",
			"--keyring-provider", "--index-strategy", "--python-platform", "--no-binary-package", "--no-build-package", "--no-build-isolation-package",
		}},
		"uvx": {values: []string{"--from", "-w", "--with", "-p", "--python", "--index", "--default-index", "--env-file"}},
	}
}

// Find looks for a known server in a command line, also behind such starters
// as `env`, `python -m` and `uv run`. It returns the server's name and the
// index of the argument that names it; "" and 0 if there is none.
func Find(command []string) (name string, at int) {
	known, through := servers(), starters()
	for i := 0; i < len(command); {
		word := path.Base(command[i])
		if srv, ok := known[word]; ok {
			if len(srv.sub) > 0 && (i+1 == len(command) || !slices.Contains(srv.sub, command[i+1])) {
				return "", 0
			}
			return word, i
		}
		var st starter
		if isPython(word) {
			st = starter{module: []string{"-m"}, values: []string{"-X", "-W", "--check-hash-based-pycs"}}
		} else if s, ok := through[word]; ok {
			st = s
		} else {
			return "", 0
		}
		next, module := st.skip(command, i+1)
		if next < 0 {
			return "", 0
		}
		if module {
			// Only a server itself can be meant: `-m uvicorn`.
			name := strings.TrimPrefix(command[next], "-m")
			if srv, ok := known[name]; ok && (len(srv.sub) == 0 || next+1 < len(command) && slices.Contains(srv.sub, command[next+1])) {
				return name, next
			}
			return "", 0
		}
		if isPython(word) {
			return "", 0 // a script of the user's
		}
		i = next
	}
	return "", 0
}

// skip goes over the starter's own arguments. It returns the index of the
// command it starts, and whether that is a Python module; -1 if there is none.
func (st starter) skip(command []string, i int) (next int, module bool) {
	sub := st.sub
	for ; i < len(command); i++ {
		arg := command[i]
		switch {
		case arg == "--":
			if len(sub) > 0 || i+1 >= len(command) {
				return -1, false
			}
			return i + 1, false
		case slices.Contains(st.module, arg):
			if i+1 >= len(command) {
				return -1, false
			}
			return i + 1, true
		case len(arg) > 2 && strings.HasPrefix(arg, "-m") && slices.Contains(st.module, "-m"):
			return i, true
		case slices.Contains(st.values, arg):
			i++
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			// A switch, or --name=value.
		case st.assign && strings.Contains(arg, "="):
		case len(sub) > 0:
			if arg != sub[0] {
				return -1, false
			}
			sub = sub[1:]
		default:
			return i, false
		}
	}
	return -1, false
}

// isPython says whether a program's name is a Python interpreter's:
// python, python3, python3.11, pypy3.
func isPython(word string) bool {
	for _, p := range []string{"python", "pypy"} {
		if rest, ok := strings.CutPrefix(word, p); ok {
			return strings.Trim(rest, "0123456789.") == ""
		}
	}
	return false
}
