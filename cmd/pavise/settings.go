package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/settings"
)

func settingsCommand(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "settings",
		Short: "Check a service's own settings before it starts",
		Long: `Check a service's own settings before it starts, whatever language it is in. They are
declared in the policy file:

  settings:
    prefix: APP_
    fields:
      - {name: secret_key, type: key}
      - {name: database_url, type: secret}
      - {name: debug, type: bool, default: "false"}
      - {name: db.pool, type: int, default: "5"}

Values come from the environment, then .env, then folders of secrets. They are never
printed if they are secrets, and never in an error.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(settingsCheck(t), settingsExplain(t), settingsExample(t))
	return c
}

// declared is what the policy file says of settings.
type declared struct {
	fields  []settings.Declared
	options settings.Options
}

func loadDeclared(file string) (*declared, error) {
	l, err := loadPolicy(file)
	if err != nil {
		return nil, err
	}
	s := l.policy.Settings
	if len(s.Fields) == 0 {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s declares no settings", l.name()), hint: "see pavise settings --help"}
	}
	d := &declared{options: settings.Options{Prefix: s.Prefix, DotEnv: s.EnvFiles, SecretsDirs: s.SecretsDirs, Nested: s.Nested, CaseSensitive: s.CaseSensitive, Expand: s.Expand}}
	switch s.Extra {
	case "", "forbid":
	case "warn":
		d.options.Extra = settings.WarnExtra
	case "ignore":
		d.options.Extra = settings.IgnoreExtra
	default:
		return nil, l.mistakes(fmt.Errorf("settings.extra: %q is not forbid, warn or ignore", s.Extra))
	}
	if len(s.EnvFiles) == 0 {
		d.options.DotEnv = []string{".env"}
	}
	for _, f := range s.Fields {
		d.fields = append(d.fields, settings.Declared(f))
	}
	return d, nil
}

// problems ends a command with what is wrong: 1 if the settings are, 2 if
// their declaration is.
func problems(err error) error {
	var all *settings.Error
	if errors.As(err, &all) {
		return &exitError{code: exitFindings, err: err}
	}
	return &exitError{code: exitUsage, err: err, hint: "see pavise settings --help"}
}

func settingsCheck(t *terminal) *cobra.Command {
	var file string
	var development bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with the settings",
		Long: `Say everything that is wrong with the settings, and where they and .env.example
disagree. Placeholders such as change-me and keys that are too short are refused, but
for --development.

Exit codes: 0 nothing is wrong, 1 something is, 2 the declaration is.`,
		Example: "  pavise settings check && exec uvicorn app.main:app",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := loadDeclared(file)
			if err != nil {
				return err
			}
			d.options.Production = !development
			x, err := settings.CheckDeclared(c.Context(), d.fields, d.options)
			if err != nil {
				return problems(err)
			}
			for _, p := range x.Unknown {
				t.notef("%s", printable(p.String()))
			}
			example, err := os.ReadFile(".env.example")
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return &exitError{code: exitUnknown, err: err}
			}
			drift, err := settings.DeclaredDrift(d.fields, d.options, string(example), "")
			if err != nil {
				return problems(err)
			}
			if len(drift) > 0 {
				return &exitError{code: exitFindings, err: &settings.Error{Problems: drift}, hint: "pavise settings example > .env.example"}
			}
			t.printf("%d settings are in order\n", len(x.Values))
			return nil
		},
	}
	policyFlag(c, &file)
	c.Flags().BoolVar(&development, "development", false, "accept placeholders and short keys")
	return c
}

func settingsExplain(t *terminal) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:     "explain",
		Short:   "Say where each value comes from",
		Example: "  pavise settings explain",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := loadDeclared(file)
			if err != nil {
				return err
			}
			x, err := settings.CheckDeclared(c.Context(), d.fields, d.options)
			for _, v := range x.Values {
				t.printf("%-24s %-36s %s\n", printable(v.Field), printable(v.Source), printable(v.Text))
			}
			for _, p := range x.Unknown {
				t.printf("%s\n", printable(p.String()))
			}
			if err != nil {
				return problems(err)
			}
			return nil
		},
	}
	policyFlag(c, &file)
	return c
}

func settingsExample(t *terminal) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:     "example",
		Short:   "Print a .env.example",
		Example: "  pavise settings example > .env.example",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			d, err := loadDeclared(file)
			if err != nil {
				return err
			}
			if err := settings.WriteDeclaredExample(t.out, d.fields, d.options); err != nil {
				return problems(err)
			}
			return nil
		},
	}
	policyFlag(c, &file)
	return c
}
