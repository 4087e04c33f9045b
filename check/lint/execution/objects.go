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
	first := c.Arg(0, "")
	switch c.Name() {
	case "pickle.loads", "pickle.load", "pickle.Unpickler", "_pickle.loads", "_pickle.load", "cPickle.loads", "cPickle.load", "dill.loads", "dill.load", "cloudpickle.loads", "cloudpickle.load", "marshal.loads", "marshal.load",
		"shelve.open", "jsonpickle.decode", "jsonpickle.loads", "jsonpickle.unpickler.decode", "joblib.load", "pandas.read_pickle", "sklearn.externals.joblib.load", "kombu.serialization.pickle_loads", "yaml.unsafe_load", "yaml.unsafe_load_all", "yaml.full_load", "yaml.full_load_all", "pandas.io.pickle.read_pickle", "compress_pickle.load", "compress_pickle.loads":
	case "numpy.load":
		if !c.Scope.Is(c.Keyword("allow_pickle"), pyast.True) {
			return
		}
	case "torch.load":
		if c.Scope.Is(c.Keyword("weights_only"), pyast.True) {
			return
		}
	case "yaml.load", "yaml.load_all":
		loaded(p, c, first)
		return
	default:
		// ruamel.yaml.YAML(typ="unsafe").load(…)
		if c.Method() != "load" || c.Receiver() == nil {
			return
		}
		made := c.Scope.Made(c.Receiver())
		if made == nil || c.Scope.Qualified(made.Func) != "ruamel.yaml.YAML" {
			return
		}
		if typ, _ := c.Scope.Text(pymodel.Keyword(made, "typ")); typ != "unsafe" {
			return
		}
	}
	if first == nil && len(c.Keywords) > 0 {
		first = c.Keywords[0].Value
	}
	t := tainted(p, c.Scope, first)
	if t == nil || signed(t) {
		return
	}
	name := c.Name()
	if name == "" {
		name = c.Method()
	}
	p.PythonAt(deserialization, c.Module, c.Call, "%s comes to %s", analysis.Written(c.Module, t.Leaf), name)
}

func loaded(p *analysis.Pass, c *pymodel.Call, first pyast.Expr) {
	if first == nil {
		first = c.Keyword("stream")
	}
	loader := c.Arg(1, "Loader")
	if loader == nil && pymodel.HasStars(c.Call) {
		return
	}
	name := c.Scope.Qualified(loader)
	if name == "" {
		name = pymodel.Dotted(loader)
	}
	name = name[strings.LastIndexByte(name, '.')+1:]
	if strings.Contains(name, "Safe") || name == "BaseLoader" {
		return
	}
	if sym := c.Scope.Symbol(loader); sym.Binding != nil {
		// One of the project's own, or chosen with regard to what is there.
		if sym.Binding.Class == nil || sym.Binding.Class.IsA("yaml.SafeLoader", "yaml.CSafeLoader", "yaml.loader.SafeLoader", "yaml.cyaml.CSafeLoader", "yaml.BaseLoader") {
			return
		}
	}
	if t := tainted(p, c.Scope, first); t != nil && !signed(t) {
		p.PythonAt(deserialization, c.Module, c.Call, "%s comes to yaml.load without a safe loader", analysis.Written(c.Module, t.Leaf))
		return
	}
	switch name {
	case "", "Loader", "UnsafeLoader", "CLoader":
		if loader == nil || name != "" {
			p.PythonSeverity(deserialization, finding.Medium, c.Module, c.Call, "yaml.load without a safe loader")
		}
	}
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
