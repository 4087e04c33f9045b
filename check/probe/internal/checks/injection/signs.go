package injection

import (
	"regexp"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// What databases say of a statement that is none. What they say of a value of
// the wrong type is not among them: parameters that are bound get that too.
var sqlSigns = []sign{
	{"PostgreSQL", lazy.Regexp(`(?i)syntax error at or near|unterminated quoted (?:string|identifier) at|PostgresSyntaxError|psycopg2?\.errors\.SyntaxError|SQLSTATE:? ?\[?42601`)},
	{"MySQL", lazy.Regexp(`(?i)you have an error in your SQL syntax|check the manual that corresponds to your (?:MySQL|MariaDB)|ER_PARSE_ERROR|Error 1064\b`)},
	{"SQLite", lazy.Regexp(`(?i)unrecognized token: ?\\?["']|(?:^|[^:\w] ?)near \\?"[^"]{0,80}": syntax error|SQL logic error|sqlite3?\.OperationalError.{0,40}(?:syntax|token|incomplete)`)},
	{"SQL Server", lazy.Regexp(`(?i)unclosed quotation mark (?:after|before) the character string|incorrect syntax near ['"\\]`)},
	{"Oracle", lazy.Regexp(`ORA-(?:00907|00911|00921|00933|00936|01756)\b|quoted string not properly terminated`)},
	{"SQL", lazy.Regexp(`SQLSyntaxErrorException|JdbcSQLSyntaxError|QuerySyntaxException|SQLGrammarException|SQL0104N|bad SQL grammar`)},
}

// The same of directories.
var ldapSigns = []sign{
	{"LDAP", lazy.Regexp(`(?i)bad search filter|InvalidSearchFilterException|LDAPInvalidFilterError|FILTER_ERROR|filter compile error|malformed filter|ldap\.FilterError|com\.sun\.jndi\.ldap|unbalanced parenthes[ei]s.{0,60}filter`)},
}

// The same of template engines.
var templateSigns = []sign{
	{"a template engine", lazy.Regexp(`(?i)jinja2\.exceptions|TemplateSyntaxError|freemarker\.core|mako\.exceptions|template: [\w.-]+:\d+:|twig\\error|org\.thymeleaf|velocity\.exception`)},
}

// The same of shells.
var shellSigns = []sign{
	{"a shell", lazy.Regexp(`(?i)\bsh: (?:line )?\d*:? ?(?:syntax error|.{0,60}not found)|syntax error near unexpected token|unterminated quoted string|is not recognized as an internal or external command`)},
}

type sign struct {
	who string
	re  func() *regexp.Regexp
}

// says tells who of those is heard in an answer, and not in another.
func says(signs []sign, e, without *traffic.Exchange) (who, words string) {
	if e == nil {
		return "", ""
	}
	for _, s := range signs {
		if found := s.re().Find(e.Body); found != nil && (without == nil || !s.re().Match(without.Body)) {
			return s.who, string(found)
		}
	}
	return "", ""
}

// speaks tells whether anybody is heard.
func speaks(e *traffic.Exchange) bool {
	for _, signs := range [][]sign{sqlSigns, ldapSigns, templateSigns, shellSigns} {
		if who, _ := says(signs, e, nil); who != "" {
			return true
		}
	}
	return false
}
