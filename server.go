package pavise

import (
	"log/slog"
	"net/http"
)

// Server returns a server for next behind the guard, with all four timeouts
// and the connection's part of the policy. Serve it on [Guard.Listener].
func (g *Guard) Server(next http.Handler) *http.Server {
	t := g.limits.ServerTimeouts()
	srv := &http.Server{
		Handler:           g.Wrap(next),
		ConnContext:       g.wire.ConnContext,
		ReadHeaderTimeout: t.HeaderRead,
		IdleTimeout:       t.KeepAlive,
		// The limits guard sets both for each request as its body and its
		// response move; these stand only for what never reaches it.
		ReadTimeout:  t.Total,
		WriteTimeout: t.Total,
		// The wire guard and the limits guard refuse sooner, with all headers.
		MaxHeaderBytes: 1 << 20,
		// The wire guard refuses "OPTIONS *"; net/http would answer it bare.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(g.options.ErrorLog.Handler(), slog.LevelWarn),
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(g.policy.Wire.AllowH2C)
	srv.Protocols = protocols
	return srv
}
