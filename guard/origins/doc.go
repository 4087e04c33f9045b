// Package origins decides what pages of other sites may do with an API: read
// its answers (CORS), send it requests that change something (cross-site
// request forgery), or open a WebSocket to it.
//
// The zero [Policy] lets none of them do any of it. An origin that is listed
// in [Policy.Allow] may do all three; one in [Policy.Trust] may send and
// upgrade but not read. [New] reports every dangerous or useless setting at
// once, so that nothing is left to be found by an attacker later.
//
// Preflights are answered here and never reach the app, and the app's own
// Access-Control-* response headers are removed: there is one authority. An
// app that has its own CORS middleware keeps it with
// [Policy.AllowUpstreamCORS].
//
// Requests that name no origin at all are let through: they come from
// programs that are not browsers, which no rule about pages binds.
//
// # When not to use it
//
// It is no authentication. It protects the users of browsers from pages that
// they visit, not the API from its callers. It does not hide GET requests
// from other sites: an API that changes something on GET is not protected.
package origins
