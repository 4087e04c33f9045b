package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"

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
policy file. The file keeps its comments and its order. A rule's own mode goes
before its guard's; where a guard is set, so are those of its rules that have one.
A running pavise up notices the change. --observe is the way back.`,
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
				return &exitError{code: exitUsage, err: fmt.Errorf("%s was left as it is: %w", name, err), hint: byHand(rule, mode)}
			}
			p, err := pavise.Parse(text)
			if err == nil {
				_, err = pavise.New(p)
			}
			if err != nil {
				return l.mistakes(err)
			}
			if bytes.Equal(text, l.text) {
				t.printf("%s: %s is set to %s already\n", name, rule, mode)
				return nil
			}
			if err := replaceFile(name, text); err != nil {
				return &exitError{code: exitUnknown, err: err, hint: name + " was left as it is"}
			}
			t.printf("%s: %s is set to %s\n", name, rule, mode)
			return nil
		},
	}
	policyFlag(c, &file)
	c.Flags().BoolVar(&observe, "observe", false, "only observe the rule again")
	return c
}

// byHand says how to set a mode without this program.
func byHand(rule string, mode guard.Mode) string {
	if rule == "all" {
		return fmt.Sprintf("write by hand at the top: \"mode: %s\", and no modes", mode)
	}
	return fmt.Sprintf("write by hand below a line \"modes:\", indented: \"%s: %s\"", rule, mode)
}

// errShape is for files that are written in a way that is not edited here.
var errShape = errors.New("it is written in a way that this program does not edit")

const bom = "\ufeff"

// setMode returns a policy file with the mode of a rule, of a guard with all
// its rules or, for "all", of everything set, and everything else kept. What
// it returns says exactly that when it is read again, however oddly the file
// is written: a file that only looks changed would be worse than an error.
func setMode(text []byte, rule string, mode guard.Mode) ([]byte, error) {
	before, err := pavise.Parse(text)
	if err != nil {
		return nil, err
	}
	want, keys := before, []string{rule}
	if rule == "all" {
		want.Mode, want.Modes, keys = mode, nil, nil
	} else {
		// A rule's own mode goes before its guard's.
		for _, key := range slices.Sorted(maps.Keys(before.Modes)) {
			if strings.HasPrefix(key, rule+"/") {
				keys = append(keys, key)
			}
		}
		want.Modes = maps.Clone(before.Modes)
		if want.Modes == nil {
			want.Modes = map[string]guard.Mode{}
		}
		for _, key := range keys {
			want.Modes[key] = mode
		}
	}
	if same(before, want) {
		return text, nil
	}

	// A byte order mark and CRLF are kept; in between, lines end in LF.
	plain, marked := strings.CutPrefix(string(text), bom)
	crlf := strings.Contains(plain, "\r\n") && strings.Count(plain, "\r\n") == strings.Count(plain, "\n")
	if crlf {
		plain = strings.ReplaceAll(plain, "\r\n", "\n")
	}
	if rule == "all" {
		plain = editMode(plain, mode)
	}
	for _, key := range keys {
		if plain, err = editModes(plain, key, mode); err != nil {
			return nil, err
		}
	}
	if crlf {
		plain = strings.ReplaceAll(plain, "\n", "\r\n")
	}
	if marked {
		plain = bom + plain
	}
	after, err := pavise.Parse([]byte(plain))
	if err != nil || !same(after, want) {
		return nil, errShape
	}
	return []byte(plain), nil
}

// same reports whether two policies say the same; no modes and an empty list
// of modes do.
func same(a, b pavise.Policy) bool {
	if len(a.Modes) == 0 && len(b.Modes) == 0 {
		a.Modes, b.Modes = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// topKey returns the key that begins on a line at the left edge, or nothing.
func topKey(line string) string {
	key, _, ok := strings.Cut(line, ":")
	if !ok || key == "" || strings.ContainsAny(key[:1], " \t#-?{[%") {
		return ""
	}
	return strings.Trim(strings.TrimRight(key, " \t"), `"'`)
}

// comment returns what a line says after its value, with the blanks before it.
// No mode has a "#" in it.
func comment(line string) string {
	value, _, found := strings.Cut(line, "#")
	if !found {
		return ""
	}
	blanks := value[len(strings.TrimRight(value, " \t")):]
	return cmp.Or(blanks, " ") + strings.TrimRight(line[len(value):], "\n")
}

// editMode replaces the value of the top-level key mode, or adds the key, and
// takes away the section modes: everything is in one mode now.
func editMode(text string, mode guard.Mode) string {
	var out []string
	done, inside := false, false
	for _, line := range strings.SplitAfter(text, "\n") {
		switch key := topKey(line); {
		case key == "mode":
			line = "mode: " + string(mode) + comment(line) + "\n"
			done, inside = true, true
		case key == "modes":
			inside = true
			continue
		case key != "" || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "..."):
			inside = false
		case inside && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#"):
			continue // the rest of a value
		}
		out = append(out, line)
	}
	joined := strings.Join(out, "")
	if !done {
		joined = insertTop(joined, "mode: "+string(mode)+"\n")
	}
	return joined
}

// editModes sets one key of the section modes, which it adds if need be:
// after the key mode, or at the top.
func editModes(text, rule string, mode guard.Mode) (string, error) {
	p, err := pavise.Parse([]byte(text))
	if err != nil {
		return "", err
	}
	if len(p.Modes) > 0 {
		return editMapping(text, rule, mode)
	}
	entry := fmt.Sprintf("  %s: %s\n", rule, mode)
	lines := strings.SplitAfter(text, "\n")
	for _, want := range []string{"modes", "mode"} {
		for i, line := range lines {
			if topKey(line) != want {
				continue
			}
			if want == "modes" { // which is empty
				lines[i] = "modes:" + comment(line) + "\n" + entry
			} else {
				lines[i] = strings.TrimSuffix(line, "\n") + "\nmodes:\n" + entry
			}
			return strings.Join(lines, ""), nil
		}
	}
	return insertTop(text, "modes:\n"+entry), nil
}

// insertTop adds a section before the first key, after the comments and
// directives that open the file.
func insertTop(text, section string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(line, "%") || trimmed == "---" {
			continue
		}
		return strings.Join(lines[:i], "") + section + strings.Join(lines[i:], "")
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + section
}

// editMapping sets a key of the section modes by its place in the text.
func editMapping(text, rule string, mode guard.Mode) (string, error) {
	file, err := parser.ParseBytes([]byte(text), parser.ParseComments)
	if err != nil {
		return "", err
	}
	path, err := yaml.PathString("$.modes")
	if err != nil {
		return "", err
	}
	node, err := path.FilterFile(file)
	if err != nil {
		return "", err
	}
	mapping, ok := node.(*ast.MappingNode)
	if single, isSingle := node.(*ast.MappingValueNode); isSingle {
		mapping, ok = &ast.MappingNode{Values: []*ast.MappingValueNode{single}}, true
	}
	if !ok || len(mapping.Values) == 0 {
		return "", errShape
	}
	if mapping.IsFlowStyle {
		return "", errors.New("modes is written in one line; write it as a block, one rule a line, so that its comments can be kept")
	}
	lines := strings.SplitAfter(text, "\n")
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
			return "", errShape
		}
		lines[at.Line-1] = string(runes[:start]) + string(mode) + string(runes[end:])
		return strings.Join(lines, ""), nil
	}
	first := mapping.Values[0].Key.GetToken().Position
	indent := strings.Repeat(" ", first.Column-1)
	added := fmt.Sprintf("%s%s: %s\n", indent, rule, mode)
	i := first.Line - 1
	lines[i] = added + lines[i]
	return strings.Join(lines, ""), nil
}

// rewrite changes a file, if nobody else did since it was read. A before of nil
// is a file that is not there.
func rewrite(file string, before, after []byte) error {
	name := filepath.FromSlash(file)
	now, err := os.ReadFile(name)
	if before == nil && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil && !bytes.Equal(now, before) {
		err = errors.New("the file has changed meanwhile")
	}
	if err == nil {
		err = replaceFile(name, after)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// replaceFile puts data in the place of a file at once: a reader sees the old
// text or the new, whatever happens. The file keeps its permissions and, where
// we may give it away (sudo pavise enforce), its owner; a link stays a link.
func replaceFile(name string, data []byte) (err error) {
	if target, linkErr := filepath.EvalSymlinks(name); linkErr == nil {
		name = target
	}
	mode := os.FileMode(0o644)
	own := [2]int{-1, -1} // as it is
	if info, statErr := os.Stat(name); statErr == nil {
		mode, own = info.Mode().Perm(), owner(info)
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
	_ = tmp.Chown(own[0], own[1]) // only root may, and only root needs to
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

// owner returns the user and group of a file, or -1 for what is not known.
func owner(info os.FileInfo) [2]int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return [2]int{int(st.Uid), int(st.Gid)}
	}
	return [2]int{-1, -1}
}
