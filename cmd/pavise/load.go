package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
)

// defaultPolicy is the policy file of the working directory.
const defaultPolicy = "pavise.yaml"

// loaded is a policy and where it came from.
type loaded struct {
	policy pavise.Policy
	file   string // empty: the built-in policy
	text   []byte
}

func (l *loaded) name() string {
	if l.file == "" {
		return "the built-in policy"
	}
	return l.file
}

// loadPolicy reads a policy file. Without a name it reads pavise.yaml if
// there is one here, and otherwise takes the built-in policy, which is the
// strict one.
func loadPolicy(file string) (*loaded, error) {
	name := file
	if name == "" {
		name = defaultPolicy
	}
	data, err := readPolicy(name)
	switch {
	case file == "" && errors.Is(err, os.ErrNotExist):
		return &loaded{}, nil
	case errors.Is(err, os.ErrNotExist):
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("the policy cannot be read: %w", err), hint: "pavise init writes one"}
	case err != nil:
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("the policy cannot be read: %w", err), hint: "name a policy file, such as " + defaultPolicy}
	}
	p, err := pavise.Parse(data)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", name, err), hint: "pavise policy schema prints every key; an editor that reads the $schema line completes them"}
	}
	return &loaded{policy: p, file: name, text: data}, nil
}

// maxPolicy bounds what is read for a policy: a wrong name must not fill the
// memory. A policy of a thousand routes has some 100 KB.
const maxPolicy = 1 << 20

func readPolicy(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err == nil && len(data) > maxPolicy {
		err = fmt.Errorf("%s is larger than %d bytes, which no policy is", name, maxPolicy)
	}
	return data, err
}

// guard builds the policy's guard, so that every mistake in it is found.
func (l *loaded) guard() (*pavise.Guard, error) {
	g, err := pavise.New(l.policy)
	if err != nil {
		return nil, l.mistakes(err)
	}
	return g, nil
}

// keyPath is how a mistake names its key: "hosts.allow[2]: …".
var keyPath = regexp.MustCompile(`^[a-z_0-9]+(\.[A-Za-z_0-9/-]+|\[\d+\])*`)

// mistakes returns the mistakes of a policy, each with its line and column.
func (l *loaded) mistakes(err error) error {
	var b strings.Builder
	for i, line := range strings.Split(err.Error(), "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		if at := l.locate(line); at != "" {
			b.WriteString(at + ": ")
		}
		b.WriteString(line)
	}
	return &exitError{code: exitUsage, err: errors.New(b.String()), hint: "pavise policy schema prints every key and what it takes"}
}

// locate finds the place of the key that a mistake begins with, or of the
// nearest key above it that the file has.
func (l *loaded) locate(mistake string) string {
	if l.file == "" {
		return ""
	}
	file, err := parser.ParseBytes(l.text, 0)
	if err != nil {
		return l.file
	}
	for key := keyPath.FindString(mistake); key != ""; {
		if path, err := yaml.PathString("$." + key); err == nil {
			if node, err := path.FilterFile(file); err == nil && node != nil {
				at := node.GetToken().Position
				return fmt.Sprintf("%s:%d:%d", l.file, at.Line, at.Column)
			}
		}
		i := strings.LastIndexAny(key, ".[")
		if i < 0 {
			break
		}
		key = key[:i]
	}
	return l.file
}

func policyFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "policy", "p", "", "the policy file (default pavise.yaml, or the built-in policy if there is none)")
	_ = c.MarkFlagFilename("policy", "yaml", "yml")
}

// completeWords makes a shell complete a flag's values.
func completeWords(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	})
}
