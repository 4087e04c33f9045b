package connection

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// overTLS tells whether the API speaks TLS, and reports when it cannot be told.
func overTLS(ctx context.Context, t *trial.Trial, report func(trial.Result)) bool {
	if t.Client.Base().Scheme != "https" {
		report(trial.Result{Verdict: trial.NotApplicable, Reason: "the API is asked without TLS"})
		return false
	}
	// Without the control a refusal says nothing.
	if _, err := t.Client.Handshake(ctx, func(*tls.Config) {}); err != nil {
		report(trial.Result{Reason: "an ordinary handshake fails: " + trial.Reason(err)})
		return false
	}
	return true
}

func tlsVersions(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if !overTLS(ctx, t, report) {
		return
	}
	var taken []string
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		state, err := t.Client.Handshake(ctx, func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = version, version
			for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
				c.CipherSuites = append(c.CipherSuites, s.ID)
			}
		})
		if err == nil && state.Version == version {
			taken = append(taken, tls.VersionName(version))
		}
	}
	if len(taken) > 0 {
		report(trial.Result{Verdict: trial.Fail, Got: strings.Join(taken, " and "), Want: "TLS 1.2 and 1.3 alone"})
		return
	}
	report(trial.Result{Verdict: trial.Pass})
}

func tlsCiphers(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if !overTLS(ctx, t, report) {
		return
	}
	var broken, weak []string
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		// What has forward secrecy and AEAD is fine.
		if !slices.Contains(s.SupportedVersions, tls.VersionTLS12) || strings.Contains(s.Name, "ECDHE") && (strings.Contains(s.Name, "GCM") || strings.Contains(s.Name, "POLY1305")) {
			continue
		}
		state, err := t.Client.Handshake(ctx, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{s.ID}
		})
		if err != nil || state.CipherSuite != s.ID {
			continue
		}
		if strings.Contains(s.Name, "RC4") || strings.Contains(s.Name, "3DES") {
			broken = append(broken, s.Name)
		} else {
			weak = append(weak, s.Name)
		}
	}
	r := trial.Result{Verdict: trial.Pass, Want: "ECDHE with AES-GCM or ChaCha20-Poly1305 alone"}
	switch {
	case len(broken) > 0:
		r.Verdict, r.Got = trial.Fail, strings.Join(append(broken, weak...), ", ")
	case slices.ContainsFunc(weak, func(s string) bool { return !strings.Contains(s, "ECDHE") }):
		r.Verdict, r.Severity, r.Got = trial.Fail, finding.Medium, strings.Join(weak, ", ")
	case len(weak) > 0: // CBC with forward secrecy
		r.Verdict, r.Severity, r.Got = trial.Fail, finding.Low, strings.Join(weak, ", ")
	}
	report(r)
}

func certificate(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if t.Client.Base().Scheme != "https" {
		report(trial.Result{Verdict: trial.NotApplicable, Reason: "the API is asked without TLS"})
		return
	}
	name := ""
	state, err := t.Client.Handshake(ctx, func(c *tls.Config) {
		name = c.ServerName
		c.InsecureSkipVerify = true // it is judged here, and nothing is sent
	})
	if err != nil || len(state.PeerCertificates) == 0 {
		report(trial.Result{Reason: "the handshake fails"})
		return
	}
	leaf := state.PeerCertificates[0]
	r := trial.Result{Verdict: trial.Pass}
	fail := func(severity finding.Severity, format string, args ...any) {
		if r.Verdict != trial.Fail {
			r = trial.Result{Verdict: trial.Fail, Severity: severity, Got: fmt.Sprintf(format, args...), Want: "a certificate that is valid for this host"}
		}
	}
	now := time.Now()
	switch {
	case now.After(leaf.NotAfter):
		fail(finding.High, "a certificate that ended on %s", leaf.NotAfter.Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		fail(finding.High, "a certificate that begins on %s", leaf.NotBefore.Format(time.DateOnly))
	}
	if err := leaf.VerifyHostname(name); err != nil {
		fail(finding.High, "a certificate of other hosts: %s", strings.Join(leaf.DNSNames, ", "))
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			fail(finding.High, "a key of %d bits", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			fail(finding.High, "a key of %d bits", key.Curve.Params().BitSize)
		}
	}
	switch leaf.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		fail(finding.High, "a certificate that is signed with %s", leaf.SignatureAlgorithm)
	}
	if r.Verdict == trial.Pass {
		pool := x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			pool.AddCert(c)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Intermediates: pool, DNSName: name}); err != nil {
			var authority x509.UnknownAuthorityError
			if errors.As(err, &authority) || t.Client.Unverified() {
				// An authority of the house is not known here.
				r = trial.Result{Verdict: trial.Suspect, Severity: finding.Medium, Got: "a certificate of an authority that this machine does not know", Want: "one that the clients know"}
			} else {
				fail(finding.High, "a certificate that does not verify")
			}
		}
	}
	report(r)
}

// plain asks without TLS: the same port, and port 80 beside port 443.
func plain(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	base := t.Client.Base()
	if base.Scheme != "https" {
		if traffic.Loopback(base.Hostname()) {
			report(trial.Result{Verdict: trial.NotApplicable, Reason: "a loopback address is asked"})
			return
		}
		e, err := t.Client.Raw(ctx, "GET "+nowhere(t, "plain")+" HTTP/1.1\r\nHost: {host}\r\n\r\n")
		if err != nil {
			report(trial.Result{Reason: trial.Reason(err)})
			return
		}
		if l := e.Header.Get("Location"); e.Status >= 300 && e.Status < 400 && strings.HasPrefix(l, "https://") {
			report(trial.Result{Verdict: trial.Pass})
			return
		}
		report(trial.Result{Verdict: trial.Fail, Got: fmt.Sprintf("the API answers over plain HTTP: %d", e.Status), Want: "HTTPS", Shown: []*traffic.Exchange{e}})
		return
	}
	addresses := []string{traffic.Address(base)}
	if base.Port() == "" || base.Port() == "443" {
		addresses = append(addresses, net.JoinHostPort(base.Hostname(), "80"))
	}
	plainAt(ctx, t, report, addresses)
}

func plainAt(ctx context.Context, t *trial.Trial, report func(trial.Result), addresses []string) {
	b, _ := get(ctx, t)
	path := t.Document.Base + "/"
	if b != nil {
		// Without its credentials: they are not sent in the clear.
		path, _, _ = strings.Cut(b.Draft.Request().Path, "?")
	}
	for _, address := range addresses {
		h, err := t.Client.Wire(ctx, traffic.Wire{Raw: "GET " + path + " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", Plain: address, Wait: 5 * time.Second})
		if err != nil || len(h.Answers) == 0 {
			continue // nobody is there
		}
		e := h.Answers[0]
		switch {
		case e.OK(), e.Status == 401 || e.Status == 403:
			report(trial.Result{Verdict: trial.Fail, Got: fmt.Sprintf("%d over plain HTTP at %s", e.Status, address), Want: "308 to HTTPS, or nothing", Shown: []*traffic.Exchange{e}})
			return
		case e.Status >= 300 && e.Status < 400 && !strings.HasPrefix(e.Header.Get("Location"), "https://"):
			report(trial.Result{Verdict: trial.Fail, Severity: finding.Medium, Got: fmt.Sprintf("%d to %q over plain HTTP", e.Status, e.Header.Get("Location")), Want: "308 to HTTPS", Shown: []*traffic.Exchange{e}})
			return
		}
	}
	report(trial.Result{Verdict: trial.Pass})
}
