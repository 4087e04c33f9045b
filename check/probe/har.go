package probe

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pavise-dev/pavise/check/probe/internal/har"
)

// MaxArchive bounds an HTTP archive that is read.
const MaxArchive = har.MaxFile

// A Recording is an OpenAPI document that was made of recorded requests.
type Recording = har.Result

// ErrNotRecorded says that a recording holds no request of the API.
var ErrNotRecorded = har.ErrNone

// FromHAR makes an OpenAPI document of an HTTP archive (HAR 1.2): of the
// requests to the API at a root, or to the hosts that are named, where it was
// recorded at another. No credential is in the document.
func FromHAR(archive []byte, root string, hosts []string) (*Recording, error) {
	base, err := url.Parse(root)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("%w: the URL is not the root of an API: want http://host:port or https://host:port", ErrOptions)
	}
	return har.Read(archive, har.Options{Target: base, Hosts: hosts})
}

// A Recorder is a reverse proxy that records an HTTP archive.
type Recorder = har.Recorder

// NewRecorder makes a recorder in front of an API. It serves requests that are
// addressed to this machine alone.
func NewRecorder(root string, insecureSkipVerify bool) (*Recorder, error) {
	base, err := url.Parse(root)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Path != "" && base.Path != "/" {
		return nil, fmt.Errorf("%w: the URL is not the root of an API: want http://host:port or https://host:port", ErrOptions)
	}
	base.Path = ""
	transport, _ := http.DefaultTransport.(*http.Transport)
	transport = transport.Clone()
	transport.Proxy, transport.DisableCompression = nil, true
	if insecureSkipVerify {
		// Whoever records asked for it by name.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec
	}
	return har.NewRecorder(base, transport), nil
}
