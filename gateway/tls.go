package gateway

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/pavise-dev/pavise"
)

// certificate is the pair of files in force.
type certificate struct {
	files   pavise.TLS
	current atomic.Pointer[tls.Certificate]
}

func newCertificate(files pavise.TLS) (*certificate, error) {
	c := &certificate{files: files}
	return c, c.load()
}

// load reads the files again. After an error the former pair stays.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("gateway.tls: %w; cert must be the PEM chain, leaf first, and key its PEM private key", err)
	}
	c.current.Store(&pair)
	return nil
}

// config returns what every connection is served by. TLS 1.2 is offered with
// AEAD suites and forward secrecy only (RFC 9325 section 4.2); TLS 1.3 is
// preferred by every client that speaks it.
func (c *certificate) config() *tls.Config {
	minimum := uint16(tls.VersionTLS12)
	if c.files.MinVersion == "1.3" {
		minimum = tls.VersionTLS13
	}
	return &tls.Config{
		MinVersion: minimum,
		NextProtos: []string{"h2", "http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := c.current.Load(); pair != nil {
				return pair, nil
			}
			return nil, errors.New("no certificate is loaded")
		},
	}
}
