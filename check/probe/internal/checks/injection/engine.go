package injection

import (
	"fmt"
	"strconv"
)

// An engine is a language of templates: how two numbers are written in it, and
// what it makes of them. Who replaces placeholders, or takes out what stands
// in brackets, does not make that.
type engine struct {
	shape string // how it begins
	write func(a, b int) string
	makes func(a, b int) int
	// strict engines read nothing of a text in which they find a fault, as the
	// polyglot has for them; some then take the text as it is.
	strict bool
}

// common is how many of the engines are tried whatever else is to be sent.
const common = 8

func engines() []engine {
	product := func(a, b int) int { return a * b }
	times := func(form, shape string) engine {
		return engine{shape: shape, write: func(a, b int) string { return fmt.Sprintf(form, a, b) }, makes: product}
	}
	strictly := func(x engine) engine { x.strict = true; return x }
	return []engine{
		times("{{%d*%d}}", "{{"),          // Jinja, Twig, Nunjucks, Tornado
		strictly(times("${%d*%d}", "${")), // FreeMarker, Mako, expressions of Java
		times("#{%d*%d}", "#{"),
		times("<%%=%d*%d%%>", "<%="), // ERB, EJS
		times("@(%d*%d)", "@("),      // Razor
		times("*{%d*%d}", "*{"),      // Thymeleaf
		times("[[${%d*%d}]]", "[[${"),
		{
			// Those of Go have no arithmetic: the length of a text of one character.
			shape: "{{printf",
			write: func(a, b int) string {
				return fmt.Sprintf(`{{printf "%%d" (len (slice "%d" 0 1))}}{{print "" %d}}`, a, b)
			},
			makes:  func(_, b int) int { n, _ := strconv.Atoi("1" + strconv.Itoa(b)); return n },
			strict: true,
		},
		{
			// Velocity has arithmetic in directives alone.
			shape:  "#set(",
			write:  func(a, b int) string { return fmt.Sprintf("#set($pv=%d*%d)$pv", a, b) },
			makes:  product,
			strict: true,
		},
		{
			// Mustache and Handlebars: a section of what is not there is left out,
			// and its opposite is not. Where tags are merely taken out both stay.
			shape:  "{{#",
			write:  func(a, b int) string { return fmt.Sprintf("{{#pvnone}}%d{{/pvnone}}{{^pvnone}}%d{{/pvnone}}", a, b) },
			makes:  func(_, b int) int { return b },
			strict: true,
		},
		times("{{%d|times:%d}}", "{{ | times"), // Liquid
		{
			// Django has a filter that adds.
			shape:  "{{ |add",
			write:  func(a, b int) string { return fmt.Sprintf(`{{"%d"|add:"%d"}}`, a, b) },
			makes:  func(a, b int) int { return a + b },
			strict: true,
		},
		strictly(times("{%d*%d}", "{")), // Smarty, Latte
	}
}
