package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

const skipVerify = true

const oldest = tls.VersionTLS11

func clients(insecure bool) {
	c := &tls.Config{
		ServerName:         "db",
		InsecureSkipVerify: skipVerify, // want "lint/go-tls-verify-off"
	}
	c.InsecureSkipVerify = true // want "lint/go-tls-verify-off"
	t := http.DefaultTransport.(*http.Transport)
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // want "lint/go-tls-verify-off"
	c.InsecureSkipVerify = insecure                           // ok "lint/go-tls-verify-off"
	if insecure {
		c.InsecureSkipVerify = true // ok "lint/go-tls-verify-off"
	}
	pinned := tls.Config{InsecureSkipVerify: true, VerifyPeerCertificate: pin} // ok "lint/go-tls-verify-off"
	use(pinned)
	old := &tls.Config{MinVersion: oldest} // want "lint/go-tls-old"
	old.MinVersion = 0x0301                // want "lint/go-tls-old: MinVersion is below TLS 1.2"
	old.MinVersion = tls.VersionTLS12      // ok "lint/go-tls-old"
	weak := tls.Config{CipherSuites: []uint16{
		tls.TLS_AES_128_GCM_SHA256,   // ok "lint/go-tls-old"
		tls.TLS_RSA_WITH_RC4_128_SHA, // want "lint/go-tls-old"
	}}
	use(weak)
	set := tls.Config{MinVersion: minimum()} // ok "lint/go-tls-old"
	use(set)
}

func minimum() uint16 { return tls.VersionTLS13 }

func pin(raw [][]byte, chains [][]*x509.Certificate) error { return nil }

type clientOption func(*http.Transport)

func ownAuthority() clientOption {
	return func(t *http.Transport) {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		t.TLSClientConfig.InsecureSkipVerify = true // want "lint/go-tls-verify-off"
	}
}

func named(host string) clientOption {
	return func(t *http.Transport) {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		t.TLSClientConfig.ServerName = host // ok "lint/go-tls-verify-off"
	}
}
