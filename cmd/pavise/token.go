package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/secret"
)

// The most bytes of a token; more is a mistake, not a token.
const maxToken = 4096

func tokenCommand(t *terminal) *cobra.Command {
	var urlsafe, hex int
	c := &cobra.Command{
		Use:   "token",
		Short: "Make a random token or key",
		Long: `Make a random token and print it, alone on a line. The number is that of random
bytes, from 16 to 4096: the printed token is longer.

--urlsafe N is what Python's secrets.token_urlsafe(N) makes, --hex N what
secrets.token_hex(N) does. Without a flag it is --urlsafe 32.`,
		Example: `  pavise token
  pavise token --urlsafe 64
  pavise token --hex 32`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, generate := urlsafe, secret.URLSafe
			if c.Flags().Changed("hex") {
				n, generate = hex, secret.Hex
			}
			if n < 16 || n > maxToken {
				return &exitError{code: exitUsage, err: fmt.Errorf("a token of %d random bytes: want 16 to %d", n, maxToken), hint: "32 bytes cannot be guessed; 64 are what frameworks ask for"}
			}
			if _, err := fmt.Fprintln(t.out, generate(n).Expose()); err != nil {
				return &exitError{code: exitUnknown, err: err}
			}
			return nil
		},
	}
	f := c.Flags()
	f.IntVar(&urlsafe, "urlsafe", 32, "random bytes, printed as base64url")
	f.IntVar(&hex, "hex", 32, "random bytes, printed in hexadecimal")
	c.MarkFlagsMutuallyExclusive("urlsafe", "hex")
	return c
}
