package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pavise-dev/pavise/passwords"
	"github.com/pavise-dev/pavise/secret"
)

func passwordCommand(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:     "password",
		Aliases: []string{"passwords"},
		Short:   "Hash, verify and judge passwords",
		Long: `Hash, verify and judge passwords as package passwords does. A password is read from
the terminal, without showing it, or from the first line of standard input; never
from an argument, which others on the machine can read.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(passwordHash(t), passwordVerify(t), passwordCheck(t), passwordCalibrate(t), passwordFilter(t))
	return c
}

// readPassword asks for a password.
func (t *terminal) readPassword() (secret.String, error) {
	if f, ok := t.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		_, _ = fmt.Fprint(t.err, "password: ")
		b, err := term.ReadPassword(int(f.Fd()))
		_, _ = fmt.Fprintln(t.err)
		if err != nil {
			return secret.String{}, &exitError{code: exitUnknown, err: err}
		}
		defer clear(b)
		return secret.New(string(b)), nil
	}
	line, err := bufio.NewReaderSize(io.LimitReader(t.in, passwords.MaxBytes+3), passwords.MaxBytes+3).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return secret.String{}, &exitError{code: exitUnknown, err: err}
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return secret.String{}, &exitError{code: exitUsage, err: errors.New("there is no password on standard input"), hint: "type it on a terminal, or pipe it in as one line"}
	}
	return secret.New(line), nil
}

func profileFlag(c *cobra.Command, profile *string) {
	names := []string{"default", "rfc9106-low", "rfc9106-high", "owasp-46", "owasp-19", "owasp-12", "owasp-9", "owasp-7"}
	c.Flags().StringVar(profile, "profile", "default", "parameters of argon2id: "+strings.Join(names, ", "))
	completeWords(c, "profile", names...)
}

func newHasher(profile string) (*passwords.Hasher, error) {
	h, err := passwords.New(passwords.Policy{Profile: profile})
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	return h, nil
}

func passwordHash(t *terminal) *cobra.Command {
	var profile string
	c := &cobra.Command{
		Use:     "hash",
		Short:   "Print the hash of a password",
		Example: "  pavise password hash",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := newHasher(profile)
			if err != nil {
				return err
			}
			password, err := t.readPassword()
			if err != nil {
				return err
			}
			hash, err := h.Hash(c.Context(), passwords.Normal(password))
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			t.printf("%s\n", hash)
			return nil
		},
	}
	profileFlag(c, &profile)
	return c
}

func passwordVerify(t *terminal) *cobra.Command {
	var profile string
	c := &cobra.Command{
		Use:   "verify HASH",
		Short: "Say whether a password is the one of a hash",
		Long: `Say whether a password is the one of a hash: of argon2, bcrypt, scrypt, PBKDF2 or
sha512_crypt, as passlib, pwdlib, Django and werkzeug write them.

Exit codes: 0 it is, 1 it is not, 2 the hash is malformed or asks for too much.`,
		Example: `  pavise password verify '$2b$12$…'`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			h, err := newHasher(profile)
			if err != nil {
				return err
			}
			password, err := t.readPassword()
			if err != nil {
				return err
			}
			r, err := h.Verify(c.Context(), password, args[0])
			if err == nil && !r.OK {
				// As it was typed is how another library hashed it; in normal
				// form is how this one does.
				r, err = h.Verify(c.Context(), passwords.Normal(password), args[0])
			}
			switch {
			case err != nil:
				return &exitError{code: exitUsage, err: err, hint: "put the hash into single quotes, so that the shell leaves its $ alone"}
			case !r.OK:
				return &exitError{code: exitFindings, err: fmt.Errorf("the password is not that of this %s hash", r.Scheme)}
			}
			t.printf("the password is that of this %s hash\n", r.Scheme)
			if r.NeedsRehash {
				t.printf("the hash is not what the profile makes now, and should be made anew at the next login\n")
			}
			return nil
		},
	}
	profileFlag(c, &profile)
	return c
}

func passwordCheck(t *terminal) *cobra.Command {
	var (
		rules, filter string
		second        bool
		words         []string
	)
	c := &cobra.Command{
		Use:   "check",
		Short: "Say whether people may choose a password",
		Long: `Say whether people may choose a password, by the rules of NIST SP 800-63B or those
that hardening guides give, and with --filter by a list of breached passwords.

Exit codes: 0 they may, 1 they may not, with every reason.`,
		Example: "  pavise password check\n  pavise password check --rules guide --filter breached.filter --word anne@example.com",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r := passwords.Rules{SecondFactor: second}
			switch rules {
			case "nist":
			case "guide":
				r = passwords.GuideRules()
			default:
				return &exitError{code: exitUsage, err: fmt.Errorf("--rules %q is not nist or guide", rules)}
			}
			if filter != "" {
				f, err := passwords.OpenFilter(filter)
				if err != nil {
					return &exitError{code: exitUsage, err: err}
				}
				defer f.Close()
				r.Breached = f
			}
			password, err := t.readPassword()
			if err != nil {
				return err
			}
			var problems *passwords.RulesError
			switch err := r.Accept(password, words...); {
			case errors.As(err, &problems):
				for _, p := range problems.Problems {
					t.printf("%s\n", p)
				}
				return &exitError{code: exitFindings}
			case err != nil:
				return &exitError{code: exitUnknown, err: err}
			}
			t.printf("the password may be chosen\n")
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&rules, "rules", "nist", "nist or guide")
	f.BoolVar(&second, "second-factor", false, "a password alone opens nothing: 8 characters are enough for nist")
	f.StringVar(&filter, "filter", "", "file of breached passwords that build-filter made")
	f.StringArrayVar(&words, "word", nil, "word that must not make up the password, such as the person's name; may be given several times")
	completeWords(c, "rules", "nist", "guide")
	return c
}

func passwordCalibrate(t *terminal) *cobra.Command {
	var target time.Duration
	c := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure what hashes cost on this machine",
		Long: `Measure what each profile costs on this machine, and say with how many passes a
hash of 64 MiB takes about the target time. Run it where the service will run.`,
		Example: "  pavise password calibrate --target 250ms",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if target < 10*time.Millisecond || target > 10*time.Second {
				return &exitError{code: exitUsage, err: fmt.Errorf("--target %s: want 10ms to 10s", target)}
			}
			measure := func(p passwords.Policy) (time.Duration, error) {
				h, err := passwords.New(p)
				if err != nil {
					return 0, err
				}
				best := time.Duration(0)
				for range 3 {
					start := time.Now()
					if _, err := h.Hash(c.Context(), secret.New("calibration")); err != nil {
						return 0, err
					}
					if d := time.Since(start); best == 0 || d < best {
						best = d
					}
				}
				return best, nil
			}
			for _, profile := range []string{"default", "owasp-46", "owasp-19", "owasp-12", "owasp-9", "owasp-7"} {
				d, err := measure(passwords.Policy{Profile: profile})
				if err != nil {
					return &exitError{code: exitUnknown, err: err}
				}
				t.printf("%-10s %8s\n", profile, d.Round(time.Millisecond/10))
			}
			for passes := uint32(3); passes <= 64; passes++ {
				d, err := measure(passwords.Policy{Argon2: passwords.Argon2{Time: passes}, Limits: passwords.Limits{Argon2Time: passes}})
				if err != nil {
					return &exitError{code: exitUnknown, err: err}
				}
				if d >= target || passes == 64 {
					t.printf("64 MiB with %d passes and 4 lanes take %s\n", passes, d.Round(time.Millisecond))
					return nil
				}
			}
			return nil
		},
	}
	c.Flags().DurationVar(&target, "target", 250*time.Millisecond, "time that a hash should take")
	return c
}

func passwordFilter(t *terminal) *cobra.Command {
	var out string
	var atLeast int
	c := &cobra.Command{
		Use:   "build-filter FILE|DIR...",
		Short: "Make a compact filter of breached passwords",
		Long: `Make a compact filter of the hashes that Have I Been Pwned gives for download: one
file of whole SHA-1 hashes, or a folder of ranges. Each password takes four bytes, also
in memory while the filter is made; it is asked without a network and without loading
it. A password that is not in it is found all the same in one case of 2^40 for each
entry.`,
		Example: "  pavise password build-filter ranges/ --at-least 10 --out breached.filter",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			n, err := passwords.BuildFilter(out, atLeast, args...)
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			t.printf("wrote %s with %d passwords\n", out, n)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "breached.filter", "file to write")
	c.Flags().IntVar(&atLeast, "at-least", 1, "leave out passwords that were seen less often")
	return c
}
