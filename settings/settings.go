// Package settings fills a struct from the environment and its kin, or says
// every reason why it cannot.
//
//	type Config struct {
//		DatabaseURL secret.String
//		SecretKey   secret.String `key:"32"`
//		Debug       bool          `default:"false"`
//		Timeout     time.Duration `default:"5s"`
//	}
//	config, err := settings.Load[Config](ctx, settings.Options{Prefix: "APP_", DotEnv: []string{".env"}})
//
// A field without a default is required. All that is wrong is told at once,
// each with the field, where its value came from, and the rule; never with the
// value, which may be a secret.
package settings

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
)

// Extra says what becomes of variables with the prefix that no field has.
type Extra string

// The choices. A variable that nobody reads is most often one that is misspelt.
const (
	ForbidExtra Extra = ""       // it is a problem: the default
	WarnExtra   Extra = "warn"   // it is told by Explanation.Unknown
	IgnoreExtra Extra = "ignore" // nothing is said of it
)

// Options say where values come from. What stands first here goes before what
// stands later; nested values are merged field by field.
type Options struct {
	// Explicit values, by name: "debug", or "db.host" for a nested field.
	Explicit map[string]string
	// Flags that were set on the command line, by the names of Explicit, with
	// a '-' for each '_' and '.'.
	Flags *flag.FlagSet
	// Environ holds NAME=value pairs; nil means os.Environ().
	Environ []string
	// DotEnv are files of variables, of which later ones go before earlier
	// ones. One that is missing is left out.
	DotEnv []string
	// SecretsDirs hold a file for each value, named as the variable, as
	// Docker and Kubernetes mount them. Later ones go before earlier ones. One
	// that is missing is left out.
	SecretsDirs []string
	// Files are of YAML, JSON or TOML, by their ending. Later ones go before
	// earlier ones. One that is missing is a problem.
	Files []string
	// Sources are asked last, in their order.
	Sources []Source

	// Prefix of variables and secrets' files, such as APP_.
	Prefix string
	// CaseSensitive tells APP_DEBUG from app_debug.
	CaseSensitive bool
	// Nested separates the names of nested fields in a variable; empty means
	// "__".
	Nested string
	// MaxSplit is how many separators are looked for, so that names may hold
	// one themselves; 0 means all.
	MaxSplit int
	// Encoding of DotEnv files: utf-8 (the default, with or without a byte
	// order mark), latin-1, or utf-16 (with one).
	Encoding string
	// Expand replaces ${NAME} and ${NAME:-default} in DotEnv files, by what
	// stands before in the file or else in the environment, as python-dotenv
	// does; without it a dollar is a dollar.
	Expand bool
	// Extra says what becomes of unknown variables.
	Extra Extra
	// Production refuses placeholders such as change-me, and keys that are too
	// short or one character again and again.
	Production bool
}

// A Source is where else values come from, such as a parameter store.
type Source interface {
	// Name is how the source is called in problems and explanations.
	Name() string
	// Values returns values by name, as Options.Explicit has them.
	Values(ctx context.Context) (map[string]string, error)
}

// A Problem is one reason why the settings cannot be used.
type Problem struct {
	Field  string // "db.host", or the variable's name where no field has it
	Source string // where the value came from: "environment APP_DB__HOST", ".env:3 APP_DB__HOST"; empty if there is none
	Rule   string // what is wanted
}

func (p Problem) String() string {
	if p.Source == "" {
		return p.Field + ": " + p.Rule
	}
	return p.Field + " (" + p.Source + "): " + p.Rule
}

// An Error holds every problem of a load.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "settings: %d problems", len(e.Problems))
	if len(e.Problems) == 1 {
		b.Reset()
		b.WriteString("settings: one problem")
	}
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// Load returns a T filled by the options. T is a struct; its fields are of
// strings, booleans, numbers, durations, [ByteSize], [net/url.URL], whatever
// has UnmarshalText, slices and maps of these (as JSON), pointers (for values
// that may be missing), and structs. Its error is an [*Error], but for a T that
// cannot be filled, which is a fault of the program.
//
// Tags of a field:
//
//	setting:"name"       in place of the field's name in snake case
//	env:"NAME,OTHER"     variables in place of prefix and name, the first that is there
//	default:"text"       what it is if nobody says; read as a variable is
//	optional:"true"      stays zero if nobody says
//	oneof:"a b c"        the values it may have
//	key:"32"             is a key of at least so many bytes; see Options.Production
//	doc:"…"              for .env.example
func Load[T any](ctx context.Context, o Options) (T, error) {
	v, _, err := load[T](ctx, o)
	return v, err
}

func load[T any](ctx context.Context, o Options) (v T, x Explanation, err error) {
	if x, err = loadInto(ctx, reflect.ValueOf(&v).Elem(), o); err != nil {
		var zero T
		return zero, x, err
	}
	return v, x, nil
}

// loadInto fills a struct. After an error it is filled in part.
func loadInto(ctx context.Context, dst reflect.Value, o Options) (Explanation, error) {
	root, err := fieldsOf(dst.Type())
	if err != nil {
		return Explanation{}, err
	}
	l := &loader{options: o, root: root}
	l.fill(root, l.gather(ctx), dst)
	if len(l.problems) > 0 {
		return l.explanation, &Error{l.problems}
	}
	return l.explanation, nil
}

// loader collects what a load finds out.
type loader struct {
	options     Options
	root        *field
	problems    []Problem
	explanation Explanation
}

func (l *loader) problem(field, source, format string, args ...any) {
	l.problems = append(l.problems, Problem{field, source, fmt.Sprintf(format, args...)})
}

// gather asks all sources, from the last to the first, each over the former.
func (l *loader) gather(ctx context.Context) *node {
	tree := &node{}
	over := func(n *node) { tree.merge(n) }
	for i := len(l.options.Sources) - 1; i >= 0; i-- {
		s := l.options.Sources[i]
		values, err := s.Values(ctx)
		if err != nil {
			l.problem("*", s.Name(), "cannot be asked: %s", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		over(l.named(values, s.Name()))
	}
	for _, f := range l.options.Files {
		over(l.file(f))
	}
	// The folders are one source, and so are the .env files: of a variable
	// that stands in several the last counts, before any is read.
	var secrets, dotEnv []variable
	for _, d := range l.options.SecretsDirs {
		secrets = append(secrets, l.secretsDir(d)...)
	}
	// A folder of secrets is often shared with other services.
	over(l.variables(secrets, false))
	for _, f := range l.options.DotEnv {
		dotEnv = append(dotEnv, l.dotEnv(f)...)
	}
	over(l.variables(dotEnv, true))
	environ := l.options.Environ
	if environ == nil {
		environ = os.Environ()
	}
	over(l.environment(environ))
	if l.options.Flags != nil {
		over(l.flags(l.options.Flags))
	}
	over(l.named(l.options.Explicit, "explicit value"))
	return tree
}

// named reads values by the names of fields.
func (l *loader) named(values map[string]string, source string) *node {
	tree := &node{}
	for name, text := range values {
		f := l.root.find(strings.Split(name, "."))
		if f == nil {
			l.problem(name, source, "no field has this name")
			continue
		}
		l.put(tree, f, nil, text, source+" "+name)
	}
	return tree
}

func (l *loader) flags(set *flag.FlagSet) *node {
	byName := map[string]*field{}
	l.root.walk(func(f *field) {
		byName[strings.NewReplacer("_", "-", ".", "-").Replace(f.name())] = f
	})
	tree := &node{}
	set.Visit(func(fl *flag.Flag) {
		if f := byName[fl.Name]; f != nil {
			l.put(tree, f, nil, fl.Value.String(), "flag -"+fl.Name)
		}
	})
	return tree
}

// errType is the fault of a program whose struct cannot be filled.
var errType = errors.New("settings: the type cannot be filled")
