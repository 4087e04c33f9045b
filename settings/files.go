package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/pelletier/go-toml/v2"
)

// file reads a file of YAML, JSON or TOML, whose members are fields.
func (l *loader) file(name string) *node {
	data, ok := l.readFile(func() (fs.File, error) { return os.Open(name) }, name)
	if !ok {
		if _, err := os.Stat(name); os.IsNotExist(err) {
			l.problem("*", name, "is not there")
		}
		return &node{}
	}
	object := map[string]any{}
	var err error
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		if len(bytes.TrimSpace(data)) > 0 {
			err = yaml.Unmarshal(data, &object)
		}
	case ".json":
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err = dec.Decode(&object); err == nil && dec.More() {
			err = fmt.Errorf("two documents")
		}
	case ".toml":
		err = toml.Unmarshal(data, &object)
	default:
		l.problem("*", name, "ends in none of .yaml, .json and .toml")
		return &node{}
	}
	if err != nil {
		// The libraries' errors quote the file.
		l.problem("*", name, "is not the %s of an object%s", strings.ToUpper(strings.TrimPrefix(filepath.Ext(name), ".")), place(err))
		return &node{}
	}
	tree := &node{}
	plain, _ := plainValue(reflect.ValueOf(object)).(map[string]any)
	l.putObject(tree, l.root, plain, name)
	return tree
}

// place is where an error of a library says that it is.
func place(err error) string {
	if e, ok := err.(yaml.Error); ok && e.GetToken() != nil && e.GetToken().Position != nil { //nolint:errorlint // the library's interface is not an error that errors.As finds
		return fmt.Sprintf(", at line %d", e.GetToken().Position.Line)
	}
	if e, ok := err.(*toml.DecodeError); ok { //nolint:errorlint // it is returned as it is
		line, _ := e.Position()
		return fmt.Sprintf(", at line %d", line)
	}
	return ""
}

// plainValue brings what the libraries return to the types of encoding/json.
func plainValue(v reflect.Value) any {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	if t, ok := v.Interface().(time.Time); ok {
		return t.Format(time.RFC3339Nano)
	}
	switch k := v.Kind(); {
	case k == reflect.String && v.Type() != reflect.TypeFor[json.Number]():
		return v.String()
	case k == reflect.Bool:
		return v.Bool()
	case k >= reflect.Int && k <= reflect.Float64:
		return json.Number(fmt.Sprint(v.Interface()))
	case k == reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plainValue(v.Index(i))
		}
		return list
	case k == reflect.Map:
		m := map[string]any{}
		for iter := v.MapRange(); iter.Next(); {
			m[fmt.Sprint(iter.Key().Interface())] = plainValue(iter.Value())
		}
		return m
	}
	return fmt.Sprint(v.Interface()) // TOML's dates without a zone
}
