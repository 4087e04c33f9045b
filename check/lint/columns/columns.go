// Package columns finds columns that keep what is sensitive in the clear, and
// encryption of columns that loses or mixes up its keys.
package columns

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

func run(p *analysis.Pass) {
	tables(p)
	p.Classes(func(c *pymodel.Class) { decorator(p, c) })
	fernet(p)
}

var numbers = []string{"ssn", "social security", "social security number", "tax id", "tax number", "taxpayer id", "national id", "national insurance", "national insurance number", "iban", "bank account", "bank account number", "account number", "routing number", "card number", "credit card", "credit card number", "debit card", "pan", "cvv", "cvc", "cvv2", "passport", "passport number", "passport no", "driver license", "driver licence", "drivers license", "driving license", "license number", "dob", "date of birth", "birth date", "birthdate", "birthday", "medical record", "medical record number", "medical history", "medical notes", "medical condition", "mrn", "diagnosis", "blood type", "health record", "health insurance number", "insurance number", "biometric"}

var tokens = []string{"access token", "refresh token", "api token", "oauth token", "bearer token", "id token", "api key", "apikey", "api secret", "private key", "secret key", "totp secret", "otp secret", "mfa secret", "two factor secret", "webhook secret", "bot token", "encryption key"}

// sensitive tells whether a name is of what nobody should read.
func sensitive(id string) bool {
	if analysis.Names(id, "hash", "hashed", "digest", "encrypted", "enc", "cipher", "ciphertext", "masked", "last4", "last", "token id", "key id", "type", "expires", "expiry", "expired", "expire", "valid", "verified", "country", "count", "prefix", "at", "has", "is", "visible", "required", "enabled", "url", "status", "scope", "scopes", "bidx", "index", "fingerprint", "code", "label", "image", "path", "holder", "name", "public", "placeholder", "reminder", "revoked", "created", "updated", "lookup") {
		return false
	}
	if strings.HasSuffix(id, "_id") && !analysis.Names(id, "tax id", "national id", "taxpayer id") {
		return false
	}
	return analysis.Names(id, tokens...) || analysis.Names(id, numbers...)
}

func tables(p *analysis.Pass) {
	var hashed map[string]bool // made when it is needed
	safe := func(id string) bool {
		if hashed == nil {
			hashed = guarded(p)
		}
		return hashed[id]
	}
	p.Classes(func(c *pymodel.Class) {
		if !c.IsTable() && !mixin(c) {
			return
		}
		var found []*pymodel.Field
		for _, f := range c.Fields {
			ok := sensitive(f.Name)
			// The secret of another service's client; that of an own checkout or
			// link is for whoever has the link.
			ok = ok || analysis.Names(f.Name, "client secret") && analysis.Names(c.Name, "oauth", "oauth2", "provider", "app", "integration", "connection", "credential", "credentials", "sso", "o auth2")
			if ok && readable(c, f) && !safe(f.Name) {
				found = append(found, f)
			}
		}
		if len(found) > 0 {
			p.PythonAt(inTheClear, c.Module, found[0].Node, "%s.%s is kept in the clear%s", c.Name, found[0].Name, more(len(found)))
		}
	})
	p.Calls(func(c *pymodel.Call) {
		if !c.Is("sqlalchemy.Table", "sqlalchemy.schema.Table") {
			return
		}
		var found []string
		for _, a := range c.Args {
			col, ok := a.(*pyast.Call)
			if !ok || !isColumn(c.Scope, col) || len(col.Args) < 2 {
				continue
			}
			name, _ := c.Scope.Text(col.Args[0])
			if sensitive(name) && plainType(c.Scope, col.Args[1]) && !safe(name) {
				found = append(found, name)
			}
		}
		if len(found) > 0 {
			p.PythonAt(inTheClear, c.Module, c, "%s is kept in the clear%s", found[0], more(len(found)))
		}
	})
}

func more(n int) string {
	if n > 1 {
		return ", like others of the table"
	}
	return ""
}

// mixin tells whether a class lends columns to tables.
func mixin(c *pymodel.Class) bool {
	return len(c.Bases) == 0 && slices.ContainsFunc(c.Fields, func(f *pymodel.Field) bool {
		call, ok := f.Value.(*pyast.Call)
		return ok && isColumn(c.Scope, call)
	})
}

func isColumn(s *pymodel.Scope, c *pyast.Call) bool {
	switch s.Qualified(c.Func) {
	case "sqlalchemy.Column", "sqlalchemy.orm.mapped_column", "sqlalchemy.schema.Column", "flask_sqlalchemy.SQLAlchemy.Column":
		return true
	}
	return false
}

// readable tells whether a column is a plain text, or a plain date.
func readable(c *pymodel.Class, f *pymodel.Field) bool {
	call, made := f.Value.(*pyast.Call)
	if made && isColumn(c.Scope, call) {
		for i, a := range call.Args {
			if _, ok := c.Scope.Text(a); ok && i == 0 {
				continue
			}
			if inner, ok := a.(*pyast.Call); ok {
				if name := analysis.Leaf(inner.Func); name == "ForeignKey" || name == "Identity" || name == "Sequence" {
					continue
				}
			}
			return plainType(c.Scope, a)
		}
		if t := pymodel.Keyword(call, "type_"); t != nil {
			return plainType(c.Scope, t)
		}
		return f.Annotation != nil && plainAnnotation(c, f.Annotation)
	}
	if made {
		for _, key := range []string{"sa_type", "sa_column"} {
			t := pymodel.Keyword(call, key)
			if t == nil {
				continue
			}
			if col, ok := t.(*pyast.Call); ok && isColumn(c.Scope, col) {
				return len(col.Args) > 0 && plainType(c.Scope, col.Args[len(col.Args)-1]) || len(col.Args) > 1 && plainType(c.Scope, col.Args[0])
			}
			return plainType(c.Scope, t)
		}
		switch name := analysis.Leaf(call.Func); name {
		case "Field", "CharField", "TextField", "DateField":
			return f.Annotation == nil || plainAnnotation(c, f.Annotation)
		}
		return false // relationship, property, a descriptor
	}
	return f.Annotation != nil && plainAnnotation(c, f.Annotation)
}

// plainAnnotation: str, str | None, Mapped[str], date.
func plainAnnotation(c *pymodel.Class, e pyast.Expr) bool {
	for range 4 {
		if k, ok := e.(*pyast.Constant); ok && k.Kind == pyast.Str {
			e = pymodel.Forward(k)
		}
		sub, ok := e.(*pyast.Subscript)
		if !ok {
			break
		}
		switch last := analysis.Leaf(sub.Value); last {
		case "Mapped", "Optional":
			e = sub.Slice
		case "Annotated":
			// What stands behind the type may be one that encrypts.
			return false
		default:
			return false
		}
	}
	if extra, _ := c.Outer.Annotated(e); len(extra) > 0 || e == nil {
		return false
	}
	switch c.Outer.Annotation(e).Name {
	case "builtins.str", "datetime.date":
		return true
	}
	return false
}

func plainType(s *pymodel.Scope, e pyast.Expr) bool {
	if call, ok := e.(*pyast.Call); ok {
		e = call.Func
	}
	name := s.Qualified(e)
	if !strings.HasPrefix(name, "sqlalchemy.") && !strings.HasPrefix(name, "sqlmodel.") && !strings.HasPrefix(name, "flask_sqlalchemy.") {
		return false
	}
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "String", "Text", "Unicode", "UnicodeText", "VARCHAR", "TEXT", "CHAR", "NVARCHAR", "Date", "DATE", "AutoString", "CITEXT":
		return true
	}
	return false
}

// guarded are the names of columns that somewhere get, or are compared with,
// what is hashed or encrypted: the column's name does not say all.
func guarded(p *analysis.Pass) map[string]bool {
	out := map[string]bool{}
	note := func(id string, e pyast.Expr) {
		if (sensitive(id) || id == "client_secret") && !out[id] && hashes(e) {
			out[id] = true
		}
	}
	p.Modules(func(m *pymodel.Module) {
		for _, c := range m.Calls {
			for _, k := range c.Keywords {
				note(k.Name, k.Value)
			}
		}
		for _, a := range m.Assigns {
			for _, t := range a.Node.Targets {
				if at, ok := t.(*pyast.Attribute); ok {
					note(at.Attr, a.Node.Value)
				}
			}
		}
		for _, c := range m.Compares {
			note(analysis.Leaf(c.Node.Left), c.Node.Comparators[0])
		}
		// A property or a listener of the column's name takes care of it.
		for _, f := range m.Funcs {
			if sensitive(f.Name) && f.Class != nil && hashes(f.FunctionDef) {
				out[f.Name] = true
			}
		}
	})
	return out
}

func hashes(n pyast.Node) bool {
	return analysis.Mentions(n, func(id string) bool {
		return analysis.Names(id, "hash", "hashed", "hasher", "sha256", "hmac", "digest", "hexdigest", "encrypt", "encrypted", "cipher", "fernet", "seal", "sealed")
	})
}
