package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

func keysCommand(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Make and rotate the keys of sealed fields",
		Long: `Make and change key rings, with which fields of a database are sealed. A ring's
primary key seals; every key that is not retired opens.

To rotate: add a key, let every service read the new ring, promote the key, rotate
the tables with pavise rotate, and retire the old key.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(keysNew(t), keysList(t), keysAdd(t), keysPromote(t), keysRetire(t), keysExport(t))
	return c
}

const formatHelp = "pavise (binds a value to its row and column) or fernet (which Python's cryptography reads)"

func keysNew(t *terminal) *cobra.Command {
	var source ringSource
	var format string
	c := &cobra.Command{
		Use:   "new",
		Short: "Make a new key ring with one key",
		Long: `Make a new key ring with one key. With --ring it is written to that file, with mode
0600, and nothing secret is printed; a file that is there is never overwritten.
Without, it is printed: a ring as JSON, or with --format fernet the key alone, as
Python's Fernet.generate_key() makes it.`,
		Example: "  pavise keys new --ring ring.json\n  pavise keys new --format fernet",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			f, err := parseFormat(format)
			if err != nil {
				return err
			}
			k, err := fieldcrypt.NewKey(f, time.Now())
			if err != nil {
				return err
			}
			r, err := fieldcrypt.NewRing(k)
			if err != nil {
				return err
			}
			if source.file == "" {
				if f == fieldcrypt.Fernet {
					t.printf("%s\n", k.Export().Expose())
				} else {
					t.printf("%s", r.Text().Expose())
				}
				return nil
			}
			if exists(source.file) {
				return &exitError{code: exitUsage, err: fmt.Errorf("%s is there already, and a key that is overwritten opens nothing again", source.file), hint: "pavise keys add --ring " + source.file + " adds a key"}
			}
			if err := source.write(r); err != nil {
				return err
			}
			t.printf("wrote %s with the %s key %s\n", source.file, f, k.ID)
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", string(fieldcrypt.V1), formatHelp)
	source.flags(c)
	completeWords(c, "format", string(fieldcrypt.V1), string(fieldcrypt.Fernet))
	return c
}

func keysList(t *terminal) *cobra.Command {
	var source ringSource
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the keys of a ring, without their material",
		Example: "  pavise keys list --ring ring.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r, err := source.read()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "id\tformat\tstate\tcreated")
			for _, k := range r.Keys() {
				created := "-"
				if !k.Created.IsZero() {
					created = k.Created.Format(time.RFC3339)
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.Format, k.State, created)
			}
			return w.Flush()
		},
	}
	source.readFlags(c)
	return c
}

func keysAdd(t *terminal) *cobra.Command {
	var source ringSource
	var format string
	var promote bool
	c := &cobra.Command{
		Use:   "add",
		Short: "Add a new key to a ring",
		Long: `Add a new key to a ring. It only opens at first, so that every service can read the
new ring before the first value is sealed with the new key; --promote lets it seal
at once.`,
		Example: "  pavise keys add --ring ring.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			f, err := parseFormat(format)
			if err != nil {
				return err
			}
			r, err := source.read()
			if err != nil {
				return err
			}
			k, err := fieldcrypt.NewKey(f, time.Now())
			if err != nil {
				return err
			}
			if !promote {
				k.State = fieldcrypt.DecryptOnly
			}
			if r, err = r.Add(k); err != nil {
				return err
			}
			if err := source.write(r); err != nil {
				return err
			}
			t.printf("added the %s key %s, %s\n", f, k.ID, k.State)
			if !promote {
				t.hint("when every service has read the ring: pavise keys promote %s --ring %s", k.ID, source.file)
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", string(fieldcrypt.V1), formatHelp)
	c.Flags().BoolVar(&promote, "promote", false, "let it seal at once")
	source.fileFlags(c)
	completeWords(c, "format", string(fieldcrypt.V1), string(fieldcrypt.Fernet))
	return c
}

func keysPromote(t *terminal) *cobra.Command {
	var source ringSource
	c := &cobra.Command{
		Use:     "promote ID",
		Short:   "Let a key seal; the former primary key only opens",
		Example: "  pavise keys promote 1f2e3d4c --ring ring.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := source.read()
			if err != nil {
				return err
			}
			if r, err = r.Promote(args[0]); err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			if err := source.write(r); err != nil {
				return err
			}
			t.printf("key %s is the primary one\n", args[0])
			return nil
		},
	}
	source.fileFlags(c)
	return c
}

func keysExport(t *terminal) *cobra.Command {
	var source ringSource
	var format string
	c := &cobra.Command{
		Use:   "export",
		Short: "Print a ring's keys, in the clear",
		Long: `Print a ring's keys, in the clear: with --format fernet those that Python's
MultiFernet takes, the primary one first, separated by commas; with --format pavise
the ring as JSON.`,
		Example: "  pavise keys export --ring ring.json --format fernet",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			f, err := parseFormat(format)
			if err != nil {
				return err
			}
			r, err := source.read()
			if err != nil {
				return err
			}
			if f == fieldcrypt.V1 {
				t.printf("%s", r.Text().Expose())
				return nil
			}
			list, err := r.Export()
			if err != nil {
				return &exitError{code: exitUsage, err: err, hint: "--format pavise prints the whole ring"}
			}
			t.printf("%s\n", list.Expose())
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", string(fieldcrypt.V1), "pavise or fernet")
	source.readFlags(c)
	completeWords(c, "format", string(fieldcrypt.V1), string(fieldcrypt.Fernet))
	return c
}
