package leaks

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/finding"
)

// The rules about how secrets are kept.
const (
	ruleEnvTracked  = "env-tracked"
	ruleEnvImage    = "env-in-image"
	ruleKeyFile     = "key-file"
	rulePlaceholder = "env-placeholder"
	ruleWeakKey     = "env-weak-key"
	ruleEnvHistory  = "env-in-history"
	ruleKeyHistory  = "key-in-history"
	ruleMode        = "secret-mode"
	ruleUnset       = "env-example-missing"
	ruleUnread      = "env-example-unread"
)

var hygieneRules = map[string]string{
	ruleEnvTracked:  "A file of secrets is tracked by git, or not ignored",
	ruleEnvImage:    "A file of secrets is copied into an image",
	ruleKeyFile:     "A private key is among the files",
	rulePlaceholder: "A placeholder is in use as a secret",
	ruleWeakKey:     "A signing key is shorter than its hash",
	ruleEnvHistory:  "A file of secrets is in git's history",
	ruleKeyHistory:  "A private key is in git's history",
	ruleMode:        "A file of secrets is readable by others",
	ruleUnset:       "A setting that is required is missing in the example of .env",
	ruleUnread:      "A line in the example of .env is read by no setting",
}

// hygiene looks at how a folder keeps its secrets: by the files that git
// tracks or would take.
func (r *runner) hygiene(root string, names []string) {
	add := func(rule, where, problem, fix string, s finding.Severity) {
		r.report.Hygiene = append(r.report.Hygiene, finding.Finding{Rule: "leaks/" + rule, Where: filepath.ToSlash(where), Problem: problem, Fix: fix, Severity: s, Refs: References("leaks/" + rule)})
	}
	settings := sync.OnceValues(func() (*classes, []*settingsClass) { return r.settingsClasses(names) })
	r.drift(names, settings, add)
	r.defaults(names, settings, add)
	// What git ignores is where the service gets its secrets from.
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		name := filepath.Join(root, e.Name())
		if !e.Type().IsRegular() || !isEnv(e.Name()) && !keyFile().MatchString(e.Name()) || slices.Contains(names, name) || r.excluded(e.Name()) {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			r.unknown(filepath.ToSlash(name), err)
		}
		if isEnv(e.Name()) {
			envValues(name, data, add)
		}
		mode(name, data, add)
	}
	tracked := sync.OnceValue(func() map[string]bool { return r.tracked(root) })
	for _, name := range names {
		base := path.Base(filepath.ToSlash(name))
		if isEnv(base) {
			data, _ := os.ReadFile(name) // where it fails, the scan of the file says so
			envValues(name, data, add)
			switch {
			case !setting().Match(data):
			case tracked()[name]:
				add(ruleEnvTracked, name, base+" is tracked by git", "git rm --cached "+base+", add it to .gitignore, and replace what it holds: the history has it", finding.High)
			case exists(filepath.Join(root, ".git")):
				add(ruleEnvTracked, name, base+" is not ignored by git: the next git add . takes it", "add "+base+" to .gitignore", finding.Medium)
			}
		}
		// A file that git tracks has the mode that a checkout gives it.
		if (isEnv(base) || keyFile().MatchString(base) && !inTests(r.below(name))) && !tracked()[name] {
			data, _ := os.ReadFile(name)
			mode(name, data, add)
		}
		switch {
		case keyFile().MatchString(base) && !inTests(r.below(name)):
			if data, err := os.ReadFile(name); err == nil && holdsKey(data) {
				add(ruleKeyFile, name, base+" holds a private key", "keep it outside of the repository, and replace it", finding.Critical)
			}
		case isDockerfile(base):
			r.image(root, name, add)
		}
	}
}

// holdsKey tells whether a file is of a private key, in the form that is read
// as text.
func holdsKey(data []byte) bool {
	return len(data) < 1<<20 && bytes.Contains(data, []byte("PRIVATE KEY-----"))
}

// mode looks who may read a file of secrets. Windows tells no modes.
func mode(name string, data []byte, add func(rule, where, problem, fix string, s finding.Severity)) {
	info, err := os.Lstat(name)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o044 == 0 || !holdsKey(data) && (!isEnv(path.Base(filepath.ToSlash(name))) || !setting().Match(data)) {
		return
	}
	who := "everybody on this machine"
	if info.Mode().Perm()&0o004 == 0 {
		who = "its group"
	}
	base := filepath.Base(name)
	add(ruleMode, name, fmt.Sprintf("%s may be read by %s: its mode is %04o", base, who, info.Mode().Perm()), "chmod 600 "+base, finding.Low)
}

// tracked are the files that git tracks below a folder.
func (r *runner) tracked(root string) map[string]bool {
	out, _ := exec.CommandContext(r.ctx, "git", "-C", root, "ls-files", "-z").Output() // nothing, where git does not answer
	names := map[string]bool{}
	for name := range bytes.SplitSeq(out, []byte{0}) {
		names[filepath.Join(root, filepath.FromSlash(string(name)))] = true
	}
	return names
}

var keyFile = lazy.Regexp(`(?i)\.(?:pem|key|p8|pk8)$|^id_(?:rsa|dsa|ecdsa|ed25519)$`)

// isEnv tells whether a file holds settings of one place, and not an example.
func isEnv(base string) bool {
	return (base == ".env" || strings.HasPrefix(base, ".env.")) && !isExample(base)
}

func isExample(base string) bool {
	return strings.Contains(base, "example") || strings.Contains(base, "sample") || strings.Contains(base, "template") || strings.HasSuffix(base, ".dist") || strings.Contains(base, "schema")
}

var (
	envSetting = lazy.Regexp(`(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*?)[ \t]*\r?$`)
	secretLike = lazy.Regexp(`(?i)` + secretName + `$`)
	// signing are names of keys that a hash of 256 bits is keyed with.
	signing = lazy.Regexp(`(?i)^(?:.*_)?(?:secret_key|jwt_secret|jwt_key|jwt_secret_key|signing_key|session_key|session_secret|hmac_key|token_secret|cookie_secret)$`)
	wanted  = lazy.Regexp(`(?i)change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|^your[-_ ]|^<.*>$|place[-_ ]?holder|^x{4,}$|^todo|^(?:secret|password|admin|example|test|dev)$`)
)

// envValues looks at what a service is given: a placeholder that nobody
// replaced, and keys of HS256 below the 32 bytes that RFC 7518, section 3.2,
// asks for.
func envValues(name string, data []byte, add func(rule, where, problem, fix string, s finding.Severity)) {
	if len(data) > 1<<20 {
		return // no file of settings
	}
	for _, m := range envSetting().FindAllSubmatchIndex(data, -1) {
		key, value := string(data[m[2]:m[3]]), strings.Trim(string(data[m[4]:m[5]]), `"'`)
		if !secretLike().MatchString(key) || otherName().MatchString(key) || value == "" || references().MatchString(value) {
			continue
		}
		where := name + ":" + strconv.Itoa(1+bytes.Count(data[:m[2]], []byte("\n")))
		switch {
		case wanted().MatchString(value):
			add(rulePlaceholder, where, key+" has a placeholder", "make a secret of its own for each place: pavise token", finding.High)
		case signing().MatchString(key) && len(value) < 32:
			add(ruleWeakKey, where, key+" has "+strconv.Itoa(len(value))+" characters, and signs with a hash of 32 bytes", "make one of 32 random bytes: pavise token", finding.Medium)
		}
	}
}

// setting is a name with a value.
var setting = lazy.Regexp(`(?m)^[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=[ \t]*["']?[^\s"'#]`)

func isDockerfile(base string) bool {
	b := strings.ToLower(base)
	return strings.HasPrefix(b, "dockerfile") || strings.HasSuffix(b, ".dockerfile") || strings.HasPrefix(b, "containerfile")
}

var copyLine = lazy.Regexp(`(?i)^[ \t]*(?:COPY|ADD)[ \t]+(.*)$`)

// image looks whether a Dockerfile copies a file of secrets: by its name, or
// with all, where no .dockerignore keeps it out.
func (r *runner) image(root, name string, add func(rule, where, problem, fix string, s finding.Severity)) {
	f, err := os.Open(name)
	if err != nil {
		return // the scan of the file says so
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		m := copyLine().FindStringSubmatch(scan.Text())
		if m == nil {
			continue
		}
		words := slices.DeleteFunc(strings.Fields(strings.NewReplacer(`"`, " ", "[", " ", "]", " ", ",", " ").Replace(m[1])), func(w string) bool { return strings.HasPrefix(w, "--") })
		if len(words) < 2 || strings.Contains(m[1], "--from=") {
			continue
		}
		for _, src := range words[:len(words)-1] {
			switch base := path.Base(src); {
			case isEnv(base) || base == ".env*":
				add(ruleEnvImage, name+":"+strconv.Itoa(n), src+" is copied into the image", "give its values to the container when it starts, or mount a secret", finding.High)
			case (src == "." || src == "./" || src == "*") && hasEnv(root) && !ignoresEnv(filepath.Join(root, ".dockerignore")):
				add(ruleEnvImage, name+":"+strconv.Itoa(n), "the whole folder is copied into the image, .env with it", "add .env* to .dockerignore", finding.High)
			}
		}
	}
}

// hasEnv tells whether a .env is there, tracked or not: an image is made of
// what is there.
func hasEnv(root string) bool { return exists(filepath.Join(root, ".env")) }

func ignoresEnv(file string) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		switch strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), "**/"), "/") {
		case ".env", ".env*", ".env.*", ".*", "*", "*.env":
			return true
		}
	}
	return false
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
