package accounts

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// sends are routes that send a code.
var sends = []string{"forgot", "forgot password", "forgotten", "recover", "recovery", "password recovery", "request reset", "reset request", "request password reset", "password reset", "reset password", "send otp", "request otp", "otp", "send code", "request code", "lost password", "resend", "send verification", "reset"}

// resets tells of a code that is given to whoever asks.
func resets(p *analysis.Pass, h *handler.Handler) {
	if h.WebSocket || !h.Says(sends...) || h.Role || len(h.Users) > 0 || h.Says("admin", "totp", "setup", "mfa", "2fa") {
		return
	}
	said := false
	kept := keptCodes(h.Func)
	pyast.Walk(h.Func.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		case *pyast.Return:
			if n.Value != nil && !said {
				name := code(h.Func.Scope, n.Value, 0)
				if name == "" {
					name = anyOf(n.Value, kept)
				}
				if name != "" {
					said = true
					p.PythonAt(resetReturned, h.Func.Module, n, "%s answers with %s", h.Func.Name, name)
				}
			}
		}
		return true
	})
	for _, f := range h.Own {
		for _, c := range f.Calls {
			if said || !logs(c) {
				continue
			}
			for _, a := range c.Args {
				if name := mentioned(f, a); name != "" {
					said = true
					p.PythonAt(resetReturned, f.Module, c, "%s writes %s into a log", f.Name, name)
					break
				}
			}
		}
	}
}

// keptCodes are the variables of a function that are made here and kept as a
// code: Reset(token=value), user.reset_token = value.
func keptCodes(f *pymodel.Func) map[string]bool {
	out := map[string]bool{}
	note := func(e pyast.Expr) {
		n, ok := e.(*pyast.Name)
		if !ok {
			return
		}
		if b, at := f.Scope.Lookup(n.ID); b != nil && at == f.Scope && !b.Param && b.Value != nil {
			out[n.ID] = true
		}
	}
	for _, c := range f.Calls {
		if b := c.Scope.Symbol(c.Func).Binding; b == nil || b.Class == nil || !b.Class.IsTable() {
			continue
		}
		for _, k := range c.Keywords {
			if secretCode(k.Name) {
				note(k.Value)
			}
		}
	}
	for _, a := range f.Module.Assigns {
		if a.Scope != f.Scope || len(a.Node.Targets) != 1 {
			continue
		}
		if t, ok := a.Node.Targets[0].(*pyast.Attribute); ok && secretCode(t.Attr) {
			note(a.Node.Value)
		}
	}
	return out
}

// anyOf is the variable that an answer holds, also in another form; not what
// was made of it by a hash, nor what a function of the project made.
func anyOf(e pyast.Expr, names map[string]bool) string {
	if len(names) == 0 || e == nil {
		return ""
	}
	first := func(list ...pyast.Expr) string {
		for _, x := range list {
			if name := anyOf(x, names); name != "" {
				return name
			}
		}
		return ""
	}
	switch x := e.(type) {
	case *pyast.Name:
		if names[x.ID] {
			return x.ID
		}
	case *pyast.Dict:
		return first(x.Values...)
	case *pyast.JoinedStr:
		return first(x.Values...)
	case *pyast.FormattedValue:
		return first(x.Value)
	case *pyast.Attribute:
		if x.Attr == "hex" {
			return first(x.Value)
		}
	case *pyast.Call:
		leaf := analysis.Leaf(x.Func)
		a, method := x.Func.(*pyast.Attribute)
		switch {
		case leaf == "str" || leaf == "UUID" || strings.HasSuffix(leaf, "Response"), leaf != "" && leaf[0] >= 'A' && leaf[0] <= 'Z' && !strings.HasSuffix(leaf, "Exception"):
			for _, k := range x.Keywords {
				if name := first(k.Value); name != "" {
					return name
				}
			}
			return first(x.Args...)
		case method && (a.Attr == "upper" || a.Attr == "lower" || a.Attr == "format"):
			return first(append(slices.Clone(x.Args), a.Value)...)
		}
	}
	return ""
}

func logs(c *pymodel.Call) bool {
	switch c.Method() {
	case "print":
		return c.Name() == "builtins.print"
	case "debug", "info", "warning", "error", "exception", "critical", "log":
		return analysis.Names(analysis.Leaf(c.Receiver()), "log", "logger", "logging", "logs")
	}
	return false
}

func secretCode(name string) bool {
	switch strings.Join(pymodel.Words(name), " ") {
	case "token", "code", "otp", "reset token", "reset code", "reset link", "otp code", "password reset token", "reset url", "verification code", "recovery token", "recovery code", "raw token", "debug token", "debug otp", "pin", "link", "plain token", "token value", "one time code", "new password", "temp password", "temporary password", "recovery link", "password reset link", "dev token", "reset password token":
		return true
	}
	return false
}

// code is the name of a code that an answer holds.
func code(s *pymodel.Scope, e pyast.Expr, depth int) string {
	if depth > 4 || e == nil {
		return ""
	}
	switch x := e.(type) {
	case *pyast.Dict:
		for i, k := range x.Keys {
			key, _ := s.Text(k)
			leaf := analysis.Leaf(x.Values[i])
			switch {
			case k == nil || key == "access_token" || leaf == "" && !built(x.Values[i]):
			case constant(s, x.Values[i]):
			case secretCode(key) && !analysis.Names(leaf, "status"), secretCode(leaf):
				return key
			}
			if _, inner := x.Values[i].(*pyast.Dict); inner {
				if name := code(s, x.Values[i], depth+1); name != "" {
					return name
				}
			}
			if f, ok := x.Values[i].(*pyast.JoinedStr); ok {
				if name := inText(s, f); name != "" {
					return name
				}
			}
		}
	case *pyast.Name:
		if secretCode(x.ID) {
			return x.ID
		}
		if b, at := s.Lookup(x.ID); b != nil && at.Func != nil && b.Value != nil && !b.Part {
			return code(at, b.Value, depth+1)
		}
	case *pyast.Call:
		for _, k := range x.Keywords {
			if secretCode(k.Name) && !constant(s, k.Value) && k.Name != "code" && analysis.Leaf(x.Func) != "HTTPException" {
				return k.Name
			}
		}
		if strings.HasPrefix(s.Qualified(x.Func), "starlette.responses.") {
			return code(s, pymodel.Arg(x, 0, "content"), depth+1)
		}
	}
	return ""
}

func built(e pyast.Expr) bool {
	_, ok := e.(*pyast.JoinedStr)
	return ok
}

func constant(s *pymodel.Scope, e pyast.Expr) bool {
	_, ok := s.Const(e)
	return ok
}

// mentioned is the name of a code that is written into a text.
func mentioned(f *pymodel.Func, e pyast.Expr) string {
	switch x := e.(type) {
	case *pyast.JoinedStr:
		return inText(f.Scope, x)
	case *pyast.Name, *pyast.Attribute:
		if leaf := analysis.Leaf(x); secretCode(leaf) && !constant(f.Scope, e) {
			return leaf
		}
	case *pyast.BinOp:
		if name := mentioned(f, x.Left); name != "" {
			return name
		}
		return mentioned(f, x.Right)
	case *pyast.Tuple:
		for _, elt := range x.Elts {
			if name := mentioned(f, elt); name != "" {
				return name
			}
		}
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok && a.Attr == "format" {
			for _, arg := range x.Args {
				if name := mentioned(f, arg); name != "" {
					return name
				}
			}
		}
	}
	return ""
}

func inText(s *pymodel.Scope, f *pyast.JoinedStr) string {
	for _, v := range f.Values {
		part, ok := v.(*pyast.FormattedValue)
		if !ok {
			continue
		}
		leaf := analysis.Leaf(part.Value)
		if _, isCall := part.Value.(*pyast.Call); !isCall && secretCode(leaf) && !constant(s, part.Value) {
			return leaf
		}
	}
	return ""
}

// changes tells of a new password that nobody proves to be entitled to.
func changes(p *analysis.Pass, h *handler.Handler) {
	if h.WebSocket || !h.Writes() || len(h.Users) == 0 && !h.Auth || h.Says("reset", "forgot", "recover", "recovery", "admin", "register", "signup", "login", "create", "set initial", "first", "setup", "generate") {
		return
	}
	if !h.Says("change password", "update password", "set password", "new password", "password", "passwd", "password change", "changepassword", "change pass") || h.Role {
		return
	}
	if !sets(h) {
		return
	}
	asks := func(id string) bool {
		if slices.ContainsFunc(h.Users, func(p *pymodel.Param) bool { return p.Name == id }) {
			return false
		}
		return analysis.Names(id, "current", "current password", "old", "old password", "existing", "previous", "password current", "currentpassword", "oldpassword", "original", "token", "code", "otp", "verify password", "check password", "checkpw", "authenticate", "verify", "verify and update", "confirm identity", "reauthenticate") && !analysis.Names(id, "current user", "current active user", "current account")
	}
	for _, f := range h.Own {
		if f != h.Func && analysis.Names(f.Name, "hash password", "get password hash") {
			continue
		}
		if pyastMentions(f, asks) {
			return
		}
	}
	for _, param := range h.Func.Params {
		if _, dep := h.Func.ParamDep(param); dep || param.Annotation == nil {
			continue
		}
		if t := h.Func.Outer.Annotation(param.Annotation); t.Class != nil {
			for _, field := range t.Class.AllFields() {
				// Asked for, and compared where it is not seen.
				if asks(field.Name) && handedOn(h, param.Name) {
					return
				}
			}
		}
	}
	p.PythonAt(changeNoCurrent, h.Func.Module, h.Func, "%s sets a password and does not ask for the current one", h.Func.Name)
}

func pyastMentions(f *pymodel.Func, is func(string) bool) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Name:
			found = found || is(n.ID)
		case *pyast.Attribute:
			found = found || is(n.Attr)
		case *pyast.Subscript:
			if c, ok := n.Slice.(*pyast.Constant); ok && c.Kind == pyast.Str {
				found = found || is(c.Value)
			}
		}
		return !found
	})
	for _, p := range f.Params {
		found = found || is(p.Name)
	}
	return found
}

// handedOn tells whether a parameter goes as a whole to a function that is not
// the project's.
func handedOn(h *handler.Handler, name string) bool {
	for _, c := range h.Func.Calls {
		if c.Target() != nil {
			continue
		}
		for _, a := range c.Args {
			if n, ok := a.(*pyast.Name); ok && n.ID == name {
				return true
			}
		}
	}
	return false
}

// sets tells whether something sets a password.
func sets(h *handler.Handler) bool {
	word := func(id string) bool { return analysis.Names(id, "password", "passwd", "pwd") }
	for _, f := range h.Own {
		found := false
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.Assign:
				for _, t := range n.Targets {
					switch t := t.(type) {
					case *pyast.Attribute:
						found = found || word(t.Attr)
					case *pyast.Subscript:
						text, _ := f.Scope.Text(t.Slice)
						found = found || word(text)
					}
				}
			case *pyast.Constant:
				lower := strings.ToLower(n.Value)
				found = found || n.Kind == pyast.Str && strings.Contains(lower, "update ") && strings.Contains(lower, "set password")
			case *pyast.Call:
				name := analysis.Leaf(n.Func)
				found = found || analysis.Names(name, "hash pw", "hash password", "get password hash", "set password", "update password", "hashpw", "generate password hash", "change password")
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}
