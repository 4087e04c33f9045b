package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard"
)

func enforceCommand(t *terminal) *cobra.Command {
	var (
		file    string
		observe bool
	)
	c := &cobra.Command{
		Use:   "enforce RULE",
		Short: "Refuse what was only observed",
		Long: `Set a rule, or all rules of a guard, or everything ("all"), to enforce in the
policy file. The file keeps its comments and its order. A running pavise up
notices the change. --observe is the way back.`,
		Example: "  pavise enforce hosts/listed\n  pavise enforce headers\n  pavise enforce all",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(ruleNames(), "all"), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			rule := args[0]
			if rule != "all" {
				if _, err := findRules(rule); err != nil {
					return err
				}
			}
			name := file
			if name == "" {
				name = defaultPolicy
			}
			if _, err := os.Stat(name); err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("the policy cannot be read: %w", err), hint: "pavise init writes one; without a file everything is enforced already"}
			}
			l, err := loadPolicy(name)
			if err != nil {
				return err
			}
			mode := guard.Enforce
			if observe {
				mode = guard.Observe
			}
			text, err := setMode(l.text, rule, mode)
			if err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", name, err)}
			}
			// What is written must be what was meant.
			p, err := pavise.Parse(text)
			if err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("%s would no longer parse, and was left as it is: %w", name, err), hint: "set modes." + rule + " by hand"}
			}
			if _, err := pavise.New(p); err != nil {
				return l.mistakes(err)
			}
			if bytes.Equal(text, l.text) {
				t.printf("%s: %s is set to %s already\n", name, rule, mode)
				return nil
			}
			if err := replaceFile(name, text); err != nil {
				return &exitError{code: exitUnknown, err: err}
			}
			t.printf("%s: %s is set to %s\n", name, rule, mode)
			return nil
		},
	}
	policyFlag(c, &file)
	c.Flags().BoolVar(&observe, "observe", false, "only observe the rule again")
	return c
}

// setMode returns a policy file with the mode of a rule, of a guard or, for
// "all", of everything set, and every other byte of meaning and comment kept.
func setMode(text []byte, rule string, mode guard.Mode) ([]byte, error) {
	p, err := pavise.Parse(text)
	if err != nil {
		return nil, err
	}
	if rule == "all" {
		if p.Mode == mode && len(p.Modes) == 0 {
			return text, nil
		}
		return editMode(text, mode)
	}
	if p.Modes[rule] == mode {
		return text, nil
	}
	file, err := parser.ParseBytes(text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	if p.Modes == nil {
		return insertModes(text, rule, mode), nil
	}
	path, err := yaml.PathString("$.modes")
	if err != nil {
		return nil, err
	}
	node, err := path.FilterFile(file)
	if err != nil {
		return nil, err
	}
	return editMapping(text, node, rule, mode)
}

// editMode replaces the value of the top-level key mode, or adds the key, and
// takes away the section modes: everything is in one mode now.
func editMode(text []byte, mode guard.Mode) ([]byte, error) {
	lines := strings.SplitAfter(string(text), "\n")
	var out []string
	done, inModes := false, false
	for _, line := range lines {
		top := line != "" && !strings.ContainsAny(line[:1], " \t#\r\n")
		switch {
		case top && strings.HasPrefix(line, "mode:"):
			_, comment, found := strings.Cut(line, " #")
			line = "mode: " + string(mode)
			if found {
				line += " #" + comment
			} else {
				line += "\n"
			}
			done, inModes = true, false
		case top && strings.HasPrefix(line, "modes:"):
			inModes = true
			continue
		case top:
			inModes = false
		case inModes && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#"):
			continue
		}
		out = append(out, line)
	}
	joined := strings.Join(out, "")
	if !done {
		joined = insertTop(joined, "mode: "+string(mode)+"\n")
	}
	return []byte(joined), nil
}

// insertModes adds a section modes after the key mode, or at the top.
func insertModes(text []byte, rule string, mode guard.Mode) []byte {
	section := fmt.Sprintf("modes:\n  %s: %s\n", rule, mode)
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "mode:") {
			if !strings.HasSuffix(line, "\n") {
				lines[i] += "\n"
			}
			lines[i] += section
			return []byte(strings.Join(lines, ""))
		}
	}
	return []byte(insertTop(string(text), section))
}

// insertTop adds a section before the first key, after the comments and
// directives that open the file.
func insertTop(text, section string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") || trimmed == "---" {
			continue
		}
		return strings.Join(lines[:i], "") + section + strings.Join(lines[i:], "")
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + section
}

// editMapping sets a key of a block mapping by its place in the text.
func editMapping(text []byte, node ast.Node, rule string, mode guard.Mode) ([]byte, error) {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		single, isSingle := node.(*ast.MappingValueNode)
		if !isSingle {
			return nil, fmt.Errorf("modes is not a mapping")
		}
		mapping = &ast.MappingNode{Values: []*ast.MappingValueNode{single}}
	}
	if mapping.IsFlowStyle {
		return nil, fmt.Errorf("modes is written in one line; write it as a block, one rule a line, so that its comments can be kept")
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, v := range mapping.Values {
		if v.Key.GetToken().Value != rule {
			continue
		}
		at := v.Value.GetToken().Position
		line := lines[at.Line-1]
		// Columns count characters.
		runes := []rune(line)
		old := []rune(v.Value.GetToken().Origin)
		start := at.Column - 1
		end := start + len([]rune(strings.TrimSpace(string(old))))
		if start < 0 || end > len(runes) {
			return nil, fmt.Errorf("line %d cannot be edited", at.Line)
		}
		lines[at.Line-1] = string(runes[:start]) + string(mode) + string(runes[end:])
		return []byte(strings.Join(lines, "")), nil
	}
	first := mapping.Values[0].Key.GetToken().Position
	indent := strings.Repeat(" ", first.Column-1)
	added := fmt.Sprintf("%s%s: %s\n", indent, rule, mode)
	i := first.Line - 1
	lines[i] = added + lines[i]
	return []byte(strings.Join(lines, "")), nil
}

// replaceFile puts data in the place of a file at once: a reader sees the old
// text or the new, whatever happens. The file keeps its permissions, and a
// link stays a link.
func replaceFile(name string, data []byte) (err error) {
	if target, linkErr := filepath.EvalSymlinks(name); linkErr == nil {
		name = target
	}
	mode := os.FileMode(0o644)
	if info, statErr := os.Stat(name); statErr == nil {
		mode = info.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tmp.Close()
			_ = os.Remove(tmp.Name())
		}
	}()
	if _, err = tmp.Write(data); err != nil {
		return err
	}
	if err = tmp.Chmod(mode); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
