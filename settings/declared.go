package settings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// A Declared is a field that is described and not written in Go: for services
// in other languages, whose settings are checked before they start.
type Declared struct {
	Name     string   // in snake case; "db.host" for a nested one
	Type     string   // string, bool, int, float, duration, bytes, url, list, map, secret or key; empty means string
	Env      []string // variables in place of prefix and name
	Default  *string  // nil means that there is none
	Optional bool
	OneOf    []string
	MinBytes int // of a key; 0 means 32
	Doc      string
}

var declaredTypes = map[string]reflect.Type{
	"": reflect.TypeFor[string](), "string": reflect.TypeFor[string](), "bool": reflect.TypeFor[bool](), "int": reflect.TypeFor[int64](),
	"float": reflect.TypeFor[float64](), "duration": reflect.TypeFor[time.Duration](), "bytes": reflect.TypeFor[ByteSize](),
	"url": reflect.TypeFor[url.URL](), "list": reflect.TypeFor[[]string](), "map": reflect.TypeFor[map[string]string](),
	"secret": reflect.TypeFor[secret.String](), "key": reflect.TypeFor[secret.String](),
}

// declaration is the tree of declared fields on the way to a struct.
type declaration struct {
	names []string
	leaf  map[string]Declared
	inner map[string]*declaration
}

// declaredType makes the struct that the fields describe.
func declaredType(fields []Declared) (reflect.Type, error) {
	root := &declaration{}
	var errs []error
	for i, f := range fields {
		at := fmt.Sprintf("field %d", i)
		if f.Name != "" {
			at = "field " + f.Name
		}
		if _, ok := declaredTypes[f.Type]; !ok {
			errs = append(errs, fmt.Errorf("%s: type %q is none of string, bool, int, float, duration, bytes, url, list, map, secret, key", at, f.Type))
		}
		if f.MinBytes < 0 || f.MinBytes > 0 && f.Type != "key" {
			errs = append(errs, fmt.Errorf("%s: min_bytes is for a key", at))
		}
		if f.Default != nil && (f.Type == "secret" || f.Type == "key") {
			errs = append(errs, fmt.Errorf("%s: a secret has no default: everybody who reads this would know it", at))
		}
		if err := root.add(strings.Split(f.Name, "."), f); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return root.structType(), nil
}

func (d *declaration) add(path []string, f Declared) error {
	name := path[0]
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return fmt.Errorf("%q is no name in snake case", name)
	}
	_, leaf := d.leaf[name]
	inner := d.inner[name]
	if leaf || inner != nil && len(path) == 1 {
		return errors.New("is there twice")
	}
	if d.leaf == nil {
		d.leaf, d.inner = map[string]Declared{}, map[string]*declaration{}
	}
	if inner == nil {
		d.names = append(d.names, name)
	}
	if len(path) == 1 {
		d.leaf[name] = f
		return nil
	}
	if inner == nil {
		inner = &declaration{}
		d.inner[name] = inner
	}
	return inner.add(path[1:], f)
}

func (d *declaration) structType() reflect.Type {
	var fields []reflect.StructField
	for i, name := range d.names {
		sf := reflect.StructField{Name: "F" + strconv.Itoa(i), Tag: reflect.StructTag(fmt.Sprintf("setting:%q", name))}
		if inner := d.inner[name]; inner != nil {
			sf.Type = inner.structType()
			fields = append(fields, sf)
			continue
		}
		f := d.leaf[name]
		sf.Type = declaredTypes[f.Type]
		tag := func(key, value string) { sf.Tag += reflect.StructTag(fmt.Sprintf(" %s:%q", key, value)) }
		if f.Default != nil {
			tag("default", *f.Default)
		}
		if f.Optional {
			tag("optional", "true")
		}
		if len(f.OneOf) > 0 {
			tag("oneof", strings.Join(f.OneOf, " "))
		}
		if len(f.Env) > 0 {
			tag("env", strings.Join(f.Env, ","))
		}
		if f.Type == "key" {
			n := f.MinBytes
			if n == 0 {
				n = 32
			}
			tag("key", strconv.Itoa(n))
		}
		tag("doc", f.Doc)
		fields = append(fields, sf)
	}
	return reflect.StructOf(fields)
}

// CheckDeclared loads the fields and says where each value came from. Its
// error is that of [Load], or says what is wrong with the declarations.
func CheckDeclared(ctx context.Context, fields []Declared, o Options) (Explanation, error) {
	t, err := declaredType(fields)
	if err != nil {
		return Explanation{}, err
	}
	return loadInto(ctx, reflect.New(t).Elem(), o)
}

// WriteDeclaredExample is [WriteExample] for declared fields.
func WriteDeclaredExample(w io.Writer, fields []Declared, o Options) error {
	t, err := declaredType(fields)
	if err != nil {
		return err
	}
	return writeExample(w, t, o)
}

// DeclaredDrift is [Drift] for declared fields.
func DeclaredDrift(fields []Declared, o Options, example, dotEnv string) ([]Problem, error) {
	t, err := declaredType(fields)
	if err != nil {
		return nil, err
	}
	return drift(t, o, example, dotEnv)
}
