package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/secret"
)

// ringSource says where a key ring is, and how it opens.
type ringSource struct {
	file, env               string
	passphraseEnv, identity string
}

// flags adds --ring and how it opens.
func (s *ringSource) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.file, "ring", "", "file of the key ring, which only its owner may read")
	f.StringVar(&s.passphraseEnv, "passphrase-env", "", "environment variable with the passphrase of a ring file that is encrypted with age")
	f.StringVar(&s.identity, "identity", "", "file of the age identity that opens the ring file")
}

// fileFlags is flags for a command that changes the ring.
func (s *ringSource) fileFlags(c *cobra.Command) {
	s.flags(c)
	_ = c.MarkFlagRequired("ring") // there is one
}

// readFlags is flags for a command that only reads it.
func (s *ringSource) readFlags(c *cobra.Command) {
	s.flags(c)
	c.Flags().StringVar(&s.env, "ring-env", "", "environment variable with the key ring, or with Fernet keys separated by commas")
	c.MarkFlagsMutuallyExclusive("ring", "ring-env")
	c.MarkFlagsOneRequired("ring", "ring-env")
}

func (s *ringSource) unlock() (fieldcrypt.Unlock, error) {
	var u fieldcrypt.Unlock
	if s.passphraseEnv != "" {
		u.Passphrase = secret.New(os.Getenv(s.passphraseEnv))
		if u.Passphrase.IsEmpty() {
			return u, fmt.Errorf("--passphrase-env: the environment has no %s", s.passphraseEnv)
		}
	}
	if s.identity != "" {
		data, err := os.ReadFile(s.identity)
		if err != nil {
			return u, fmt.Errorf("--identity: %w", err)
		}
		u.Identity = secret.New(string(data))
	}
	return u, nil
}

func (s *ringSource) read() (*fieldcrypt.Ring, error) {
	r, err := func() (*fieldcrypt.Ring, error) {
		if s.env != "" {
			return fieldcrypt.RingFromEnv(s.env)
		}
		u, err := s.unlock()
		if err != nil {
			return nil, err
		}
		return fieldcrypt.ReadRing(s.file, u)
	}()
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	return r, nil
}

// write puts a changed ring back, locked as it was.
func (s *ringSource) write(r *fieldcrypt.Ring) error {
	u, err := s.unlock()
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	lock := fieldcrypt.Lock{Passphrase: u.Passphrase}
	if !u.Identity.IsEmpty() {
		if lock.Recipient, err = fieldcrypt.RecipientOf(u.Identity); err != nil {
			return &exitError{code: exitUsage, err: fmt.Errorf("--identity: %w", err)}
		}
	}
	if err := fieldcrypt.WriteRing(s.file, r, lock); err != nil {
		return &exitError{code: exitUnknown, err: err, hint: "the ring is as it was"}
	}
	return nil
}

// parseFormat reads --format.
func parseFormat(text string) (fieldcrypt.Format, error) {
	switch f := fieldcrypt.Format(strings.ToLower(text)); f {
	case fieldcrypt.V1, fieldcrypt.Fernet:
		return f, nil
	}
	return "", &exitError{code: exitUsage, err: fmt.Errorf("--format %q is not %s or %s", text, fieldcrypt.V1, fieldcrypt.Fernet)}
}
