package injection

import (
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// What a command writes is shown to nobody, and it is found all the same.
func TestQuietCommands(t *testing.T) {
	for _, name := range []string{"sh", "bash"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	shell := func(before, after string, later bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", "tar -cf /nonexistent/"+before+text(r, "name")+after+" .")
			if !later {
				_ = cmd.Run()
			} else if cmd.Start() == nil {
				go cmd.Wait()
			}
			answer(w, 200, map[string]any{"id": 1})
		}
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   trial.Verdict
	}{
		"bare":          {shell("", "", false), trial.Fail},
		"single quotes": {shell("'", "'", false), trial.Fail},
		"double quotes": {shell(`"`, `"`, false), trial.Fail},
		"later":         {shell("", ".tar", true), trial.Fail},
		"an argument": {func(w http.ResponseWriter, r *http.Request) {
			_ = exec.CommandContext(t.Context(), "tar", "-cf", "/nonexistent/"+text(r, "name"), ".").Run()
			answer(w, 200, map[string]any{"id": 1})
		}, trial.Pass},
		// Who asks for what looks like a URL in a text is no shell.
		"a preview": {func(w http.ResponseWriter, r *http.Request) {
			for _, u := range regexp.MustCompile(`http://[^|\s]+`).FindAllString(text(r, "name"), -1) {
				client := http.Client{Timeout: time.Second}
				if res, err := client.Get(u); err == nil {
					res.Body.Close()
				}
			}
			answer(w, 200, map[string]any{"id": 1})
		}, trial.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			short := strings.Replace(body("name"), `"type":"string"`, `"type":"string","maxLength":100`, 1)
			for _, spec := range []string{body("name"), short} {
				r := runOnly(t, "probe/command-injection", 1, false, route{"POST /archives", spec, c.handle})
				if len(r.results) != 1 || r.results[0].Verdict != c.want {
					t.Errorf("%+v, want %s", r.results, c.want)
				}
			}
		})
	}
}
