// Command orders is a small service that does all that the hardening of an API
// asks of an application, with the packages of this module: settings that
// refuse to start without their secrets, passwords that move on from bcrypt,
// sealed fields, tokens that expire, and one policy in front.
//
//	APP_SECRET_KEY=$(pavise token) APP_RING=$(pavise keys new) go run ./examples/orders
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/passwords"
	"github.com/pavise-dev/pavise/secret"
	"github.com/pavise-dev/pavise/settings"
)

//go:embed pavise.yaml
var policyText []byte

// config is what the service needs to know. There is no default for what is
// secret.
type config struct {
	SecretKey     secret.String `key:"32" doc:"signs the tokens"`
	Ring          secret.String `doc:"key ring of the sealed fields, of pavise keys new"`
	DatabaseURL   string        `default:"sqlite:orders.db" doc:"sqlite:FILE or postgres://…"`
	TokenLifetime time.Duration `default:"15m"`
	Listen        string        `default:"" doc:"HOST:PORT, in place of the policy's"`
	Environment   string        `default:"production" oneof:"production development"`
}

func loadConfig(ctx context.Context, environ []string) (config, error) {
	o := settings.Options{Prefix: "APP_", DotEnv: []string{".env"}, Environ: environ, Production: true}
	return settings.Load[config](ctx, o)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	c, err := loadConfig(ctx, nil)
	if err != nil {
		return err
	}
	handler, closeDB, err := newService(ctx, c)
	if err != nil {
		return err
	}
	defer closeDB()
	policy, err := pavise.Parse(policyText)
	if err != nil {
		return err
	}
	guard, err := pavise.NewWith(policy, pavise.Options{AccessLog: slog.New(slog.NewJSONHandler(os.Stdout, nil))})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", cmp.Or(c.Listen, policy.Gateway.Listen))
	if err != nil {
		return err
	}
	srv := guard.Server(handler)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(guard.Listener(l)) }()
	log.Printf("serving http://%s", l.Addr())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return srv.Shutdown(shutdown)
}

// newService returns the service's handler, without the policy.
func newService(ctx context.Context, c config) (http.Handler, func(), error) {
	ring, err := fieldcrypt.ParseRing(c.Ring)
	if err != nil {
		return nil, nil, fmt.Errorf("APP_RING: %w", err)
	}
	hasher, err := passwords.New(passwords.Policy{})
	if err != nil {
		return nil, nil, err
	}
	db, err := openStore(ctx, c.DatabaseURL, ring)
	if err != nil {
		return nil, nil, err
	}
	tokens, err := newTokens(c.SecretKey, c.TokenLifetime)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	s := &service{store: db, hasher: hasher, tokens: tokens, rules: passwords.Rules{Context: []string{"orders"}}}
	return s.routes(), func() { _ = db.Close() }, nil
}
