package docker

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
)

// runs looks at what the build does.
func (f *file) runs() {
	f.each(func(_ *deploy.Stage, in *deploy.Instruction, shipped bool) {
		switch in.Cmd {
		case "RUN":
			f.piped(in)
			if shipped {
				f.sudo(in)
				f.chmod(in)
			}
		case "ADD":
			f.added(in)
			fallthrough
		case "COPY":
			if mode := in.Flag("chmod"); shipped && forAll(mode) {
				f.report(writable, writable.Severity, in, "--chmod", "--chmod=%s lets all change what is copied", mode)
			}
		}
	})
}

// piped finds downloads that a shell runs.
func (f *file) piped(in *deploy.Instruction) {
	if c, tool := deploy.Piped(in.Commands()); c != nil {
		f.report(pipe, pipe.Severity, in, tool, "%s runs what %s downloads", deploy.Behind(c.Words)[0], tool)
	}
}

var installers = []string{"apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper", "tdnf"}

func (f *file) sudo(in *deploy.Instruction) {
	for _, c := range in.Commands() {
		words := deploy.Behind(c.Words)
		if len(words) == 0 {
			continue
		}
		if slices.Contains(installers, path.Base(words[0])) && (slices.Contains(words, "install") || slices.Contains(words, "add")) && slices.Contains(words, "sudo") {
			f.report(sudo, sudo.Severity, in, "sudo", "sudo is installed")
			return
		}
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "NOPASSWD") }) {
			f.report(sudo, sudo.Severity, in, "NOPASSWD", "NOPASSWD lets a user become root without a password")
			return
		}
	}
}

func (f *file) chmod(in *deploy.Instruction) {
	for _, c := range in.Commands() {
		words := deploy.Behind(c.Words)
		if len(words) < 3 || path.Base(words[0]) != "chmod" {
			continue
		}
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "-") {
				continue
			}
			if forAll(w) {
				f.report(writable, writable.Severity, in, w, "chmod %s lets all change %s", w, words[len(words)-1])
			}
			break
		}
	}
}

// forAll tells whether a mode lets everybody write, and is none of a directory
// in which they keep what is theirs, as in /tmp.
func forAll(mode string) bool {
	if mode == "" {
		return false
	}
	if strings.Trim(mode, "01234567") == "" {
		sticky := len(mode) >= 4 && mode[len(mode)-4]&1 == 1
		return len(mode) >= 3 && mode[len(mode)-1]&2 != 0 && !sticky
	}
	for part := range strings.SplitSeq(mode, ",") {
		i := strings.IndexAny(part, "+=")
		if i >= 0 && strings.ContainsAny(part[:i], "ao") && strings.Contains(part[i:], "w") && !strings.Contains(part[i:], "t") {
			return true
		}
	}
	return false
}

func (f *file) added(in *deploy.Instruction) {
	if in.Flag("checksum") != "" || len(in.Args) < 2 {
		return
	}
	for _, src := range in.Args[:len(in.Args)-1] {
		if !strings.HasPrefix(src, "http://") && !strings.HasPrefix(src, "https://") {
			continue
		}
		if at, _, _ := strings.Cut(src, "#"); strings.HasSuffix(at, ".git") {
			continue // git's own
		}
		f.report(addURL, addURL.Severity, in, "http", "ADD of a URL without --checksum")
		return
	}
}
