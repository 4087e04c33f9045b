package compose

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
)

// desks are images of what only those who develop use.
var desks = []string{"mailpit", "mailhog", "mailcatcher", "maildev", "mailslurper", "localstack", "azurite", "dynamodb-local", "fake-gcs-server", "tinybird-local", "moto", "wiremock", "selenium", "playwright"}

// development tells whether a file, by what it runs, is for development.
func development(d *deploy.Document) bool {
	if bare(d) {
		return true
	}
	found := false
	d.Root.Get("services").Pairs(func(_, n *deploy.Node) {
		found = found || desk(n) || reloads(n) || declared(n) || mounted(d, n)
	})
	return found
}

// desk tells whether a service is a tool of development, or a build for it.
func desk(n *deploy.Node) bool {
	image, _ := deploy.ParseImage(n.Get("image").Text())
	return n.Has("develop") || slices.Contains(desks, path.Base(image.Name)) || deploy.Aside(image.Tag) && n.Has("build") ||
		deploy.Aside(n.Get("build", "target").Text()) || deploy.Aside(n.Get("build", "dockerfile").Text())
}

// reloads tells whether a service starts anew when its source is changed.
func reloads(n *deploy.Node) bool {
	words := n.Get("command").Words()
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"--reload", "dev", "start:dev", "runserver", "nodemon", "watchmedo", "--debug", "--watch"}, w)
	})
}

// declared tells whether a variable says so.
func declared(n *deploy.Node) bool {
	found := false
	n.Get("environment").Environment(func(name, value string, _ *deploy.Node) {
		if analysis.Names(name, "env", "environment") && slices.Contains([]string{"dev", "development", "develop", "local", "test", "testing"}, strings.ToLower(value)) {
			found = true
		}
	})
	return found
}

// mounted tells whether the source that a service is built from is mounted into
// it.
func mounted(d *deploy.Document, n *deploy.Node) bool {
	build := n.Get("build")
	if build == nil {
		return false
	}
	context := build.Text()
	if build.Map() {
		context = build.Get("context").Text()
	}
	context = path.Join(path.Dir(d.File), context)
	return slices.ContainsFunc(n.Get("volumes").Items(), func(v *deploy.Node) bool {
		source, target := v.Get("source").Text(), v.Get("target").Text()
		if parts := split(v.Value); len(parts) > 1 {
			source, target = parts[0], parts[1]
		}
		if !strings.HasPrefix(source, ".") || strings.HasPrefix(target, "/etc") || strings.HasPrefix(target, "/config") {
			return false
		}
		source = path.Join(path.Dir(d.File), source)
		return source == context || slices.Contains([]string{"src", "app"}, path.Base(source)) && path.Dir(source) == context
	})
}
