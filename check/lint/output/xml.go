package output

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

func itoa(n int) string { return strconv.Itoa(n) }

// xml looks at parsers of XML: those that are told to resolve entities, and
// those that are given what a client sent.
func xml(p *analysis.Pass, c *pymodel.Call) {
	name := c.Name()
	switch name {
	case "lxml.etree.XMLParser", "lxml.etree.ETCompatXMLParser", "lxml.etree.XMLPullParser", "lxml.etree.iterparse":
		for _, option := range []struct {
			name string
			bad  pyast.Kind
		}{{"resolve_entities", pyast.True}, {"no_network", pyast.False}, {"load_dtd", pyast.True}} {
			if c.Scope.Is(c.Keyword(option.name), option.bad) && (option.name != "load_dtd" || !c.Scope.Is(c.Keyword("resolve_entities"), pyast.False)) {
				value := "True"
				if option.bad == pyast.False {
					value = "False"
				}
				p.PythonAt(xxe, c.Module, c, "the parser is made with %s=%s", option.name, value)
				return
			}
		}
	}
	if c.Method() == "setFeature" && c.Scope.Is(c.Arg(1, "state"), pyast.True) {
		if q := c.Scope.Qualified(c.Arg(0, "name")); strings.HasSuffix(q, "feature_external_ges") || strings.HasSuffix(q, "feature_external_pes") {
			p.PythonAt(xxe, c.Module, c, "the parser is told to fetch external entities")
			return
		}
	}
	i := strings.LastIndexByte(name, '.')
	if i < 0 || !slices.Contains([]string{"fromstring", "parse", "XML", "iterparse", "parseString", "fromstringlist", "XMLID"}, name[i+1:]) || len(c.Args) == 0 {
		return
	}
	if p.Python.Level(c.Scope, c.Args[0]) != pymodel.Tainted {
		return
	}
	switch library := name[:i]; library {
	case "lxml.etree", "lxml.objectify":
		parser := c.Arg(1, "parser")
		if parser == nil {
			p.PythonSeverity(xxe, finding.Medium, c.Module, c, "lxml before 5 resolves the entities of what the client sent, unless its parser is told not to")
			return
		}
		made := c.Scope.Made(parser)
		if made != nil && strings.HasPrefix(c.Scope.Qualified(made.Func), "lxml.etree.XMLParser") && len(made.Keywords) == 0 {
			p.PythonSeverity(xxe, finding.Medium, c.Module, c, "lxml before 5 resolves the entities of what the client sent, unless its parser is told not to")
		}
	case "xml.etree.ElementTree", "xml.etree.cElementTree", "xml.dom.minidom", "xml.dom.pulldom", "xml.sax":
		p.PythonSeverity(xxe, finding.Medium, c.Module, c, "%s expands the entities of what the client sent", library)
	}
}
