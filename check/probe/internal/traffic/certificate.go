package traffic

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// A Certificate is what a client shows in the TLS handshake. Name is part of
// the variables that stand for its files in a line for a shell.
type Certificate struct {
	Name string
	tls  tls.Certificate
}

// LoadCertificate reads a certificate and its key, in PEM.
func LoadCertificate(name, cert, key string) (*Certificate, error) {
	if cert == "" || key == "" {
		return nil, fmt.Errorf("wants the files cert and key")
	}
	certPEM, err := os.ReadFile(filepath.Clean(cert))
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(filepath.Clean(key))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err // it names what is wrong, and holds no key
	}
	return &Certificate{Name: name, tls: pair}, nil
}

// line are the options of curl.
func (c *Certificate) line() string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf(` --cert "$CERT_%s" --key "$KEY_%s"`, c.Name, c.Name)
}

// showing is the client that shows a certificate. Each has connections of its
// own: who calls is known by the connection.
func (c *Client) showing(cert *Certificate, from string) (*http.Client, error) {
	if cert == nil {
		return c.sender(from)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.certified[cert]; other != nil {
		return other, nil
	}
	other := c.transport(nil)
	if t, ok := other.Transport.(*http.Transport); ok {
		t.TLSClientConfig.Certificates = []tls.Certificate{cert.tls}
	}
	if c.certified == nil {
		c.certified = map[*Certificate]*http.Client{}
	}
	c.certified[cert] = other
	return other, nil
}

// Allow lets n more requests be sent than the total says: what cleans up must
// not fail because all was spent.
func (c *Client) Allow(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.o.Total > 0 {
		c.o.Total = max(c.o.Total, c.sent+n)
	}
}

// Run is what is written into the marker.
func (c *Client) Run() string { return c.o.Run }

// Secret is what the accounts that are made follow from besides the seed.
func (c *Client) Secret() string { return c.o.Secret }
