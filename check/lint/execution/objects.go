package execution

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// deserialized looks at objects that are made of bytes.
func deserialized(p *analysis.Pass, c *pymodel.Call) {
	name := maker(p, c)
	if name == "" {
		for _, to := range c.Chosen() {
			if name = maker(p, to); name != "" {
				break
			}
		}
	}
	if name == "" {
		return
	}
	first := c.Arg(0, "")
	if first == nil {
		first = c.Keyword("stream")
	}
	if first == nil && len(c.Keywords) > 0 {
		first = c.Keywords[0].Value
	}
	if t := tainted(p, c.Scope, first); t != nil && !signed(t) {
		p.PythonAt(deserialization, c.Module, c.Call, "%s comes to %s", analysis.Written(c.Module, t.Leaf), name)
		return
	}
	if !c.Is("yaml.load", "yaml.load_all") {
		return
	}
	switch e := c.Arg(1, "Loader"); loader(c.Scope, e) {
	case "":
		if e == nil {
			p.PythonSeverity(deserialization, finding.Medium, c.Module, c.Call, "yaml.load without a safe loader")
		}
	case "Loader", "UnsafeLoader", "CLoader":
		p.PythonSeverity(deserialization, finding.Medium, c.Module, c.Call, "yaml.load without a safe loader")
	}
}

// maker is what makes any objects of the bytes that it gets; "" when a call
// does not.
func maker(p *analysis.Pass, c *pymodel.Call) string {
	switch name := c.Name(); name {
	case "pickle.loads", "pickle.load", "pickle.Unpickler", "_pickle.loads", "_pickle.load", "cPickle.loads", "cPickle.load", "dill.loads", "dill.load", "cloudpickle.loads", "cloudpickle.load", "marshal.loads", "marshal.load",
		"shelve.open", "jsonpickle.decode", "jsonpickle.loads", "jsonpickle.unpickler.decode", "joblib.load", "pandas.read_pickle", "sklearn.externals.joblib.load", "kombu.serialization.pickle_loads", "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "yaml.full_load_all", "pandas.io.pickle.read_pickle", "compress_pickle.load", "compress_pickle.loads":
		return name
	case "numpy.load":
		if c.Scope.Is(c.Keyword("allow_pickle"), pyast.True) {
			return name
		}
	case "torch.load":
		if !c.Scope.Is(c.Keyword("weights_only"), pyast.True) {
			return name
		}
	case "yaml.load", "yaml.load_all":
		if anyObjects(p, c) {
			return name + " without a safe loader"
		}
	default:
		// ruamel.yaml.YAML(typ="unsafe").load(…)
		if c.Method() != "load" || c.Receiver() == nil {
			return ""
		}
		made := c.Scope.Made(c.Receiver())
		if made == nil || c.Scope.Qualified(made.Func) != "ruamel.yaml.YAML" {
			return ""
		}
		if typ, _ := c.Scope.Text(pymodel.Keyword(made, "typ")); typ == "unsafe" {
			if name == "" {
				return c.Method()
			}
			return name
		}
	}
	return ""
}

// loader is the last word of what names a loader.
func loader(s *pymodel.Scope, e pyast.Expr) string {
	name := s.Qualified(e)
	if name == "" {
		name = pymodel.Dotted(e)
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}

func safeLoader(name string) bool { return strings.Contains(name, "Safe") || name == "BaseLoader" }

// anyObjects tells whether yaml.load makes any object: by what it loads with,
// or would where a table or a parameter says.
func anyObjects(p *analysis.Pass, c *pymodel.Call) bool {
	e := c.Arg(1, "Loader")
	if e == nil {
		return !pymodel.HasStars(c.Call)
	}
	if safeLoader(loader(c.Scope, e)) {
		return false
	}
	sym := c.Scope.Symbol(e)
	if b := sym.Binding; b != nil && b.Class != nil {
		return !b.Class.IsA("yaml.SafeLoader", "yaml.CSafeLoader", "yaml.loader.SafeLoader", "yaml.cyaml.CSafeLoader", "yaml.BaseLoader")
	}
	known := false
	for _, o := range p.Python.Origins(c.Scope, e) {
		list := o.Scope.Choices(o.Expr)
		if n, ok := o.Expr.(*pyast.Name); ok {
			list = append(list, defaults(o.Scope, n)...)
		}
		known = known || len(list) > 0
		for _, x := range append(list, o) {
			name := x.Scope.Qualified(x.Expr)
			if strings.HasPrefix(name, "yaml.") && strings.HasSuffix(name, "Loader") && !safeLoader(loader(x.Scope, x.Expr)) {
				return true
			}
		}
	}
	// One of the project's own is chosen with regard to what is there.
	return !known && sym.Binding == nil
}

// defaults are what a parameter is where a caller does not give it.
func defaults(s *pymodel.Scope, n *pyast.Name) []pymodel.Origin {
	b, at := s.Lookup(n.ID)
	if b == nil || !b.Param || at.Func == nil {
		return nil
	}
	for _, x := range at.Func.Params {
		if x.Name == n.ID && x.Default != nil {
			return []pymodel.Origin{{Expr: x.Default, Scope: at.Func.Outer}}
		}
	}
	return nil
}

// signed tells whether the bytes are compared with a MAC of ours before.
func signed(t *pymodel.Trail) bool {
	for _, f := range t.Funcs {
		for _, c := range f.Calls {
			if c.Is("hmac.compare_digest", "secrets.compare_digest") || strings.Contains(c.Method(), "verify_signature") || strings.Contains(c.Method(), "unsign") {
				return true
			}
		}
	}
	return false
}
