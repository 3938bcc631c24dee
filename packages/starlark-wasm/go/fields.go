// Fields of objects: what `x.name`, `x["name"]`, hasattr and getattr mean.
//
// An object is a Starlark dict. A field wins over the dict's method of that name.
package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

const maxListedFields = 30

var (
	attrBuiltin = starlark.NewBuiltin(attrName, attr)
	itemBuiltin = starlark.NewBuiltin(itemName, item)
)

// missingFieldError is described only once it has left the interpreter: the search for the object's path costs
// more than the evaluation, and hasattr or getattr may swallow the error.
type missingFieldError struct {
	object *starlark.Dict
	name   string
}

func (e missingFieldError) Error() string { return e.describe(nil) }

func (e missingFieldError) describe(p *program) string {
	path := "the object"
	if p != nil {
		if found := pathIn(p.scope, e.object); found != "" {
			path = found
		}
	}
	keys := e.object.Keys()
	if len(keys) == 0 {
		return fmt.Sprintf("%s has no field %q; it has no fields", path, e.name)
	}
	listed := make([]string, 0, len(keys))
	for i, key := range keys {
		if i == maxListedFields {
			listed = append(listed, fmt.Sprintf("and %d more", len(keys)-i))
			break
		}
		listed = append(listed, fieldText(key))
	}
	return fmt.Sprintf("%s has no field %q; it has: %s", path, e.name, strings.Join(listed, ", "))
}

func fieldText(key starlark.Value) string {
	if text, ok := starlark.AsString(key); ok && isName(text) {
		return text
	}
	return key.String()
}

// pathIn finds the object by identity: each object of a scope has one place in it.
func pathIn(scope starlark.StringDict, object *starlark.Dict) string {
	names := scope.Keys()
	// The whole context last: `steps.a` is what the author wrote, `ctx.steps.a` only where nothing else fits.
	sort.SliceStable(names, func(i, j int) bool { return names[i] != contextName && names[j] == contextName })
	for _, name := range names {
		if found := pathFrom(name, scope[name], object); found != "" {
			return found
		}
	}
	return ""
}

func pathFrom(path string, value starlark.Value, object *starlark.Dict) string {
	switch value := value.(type) {
	case *starlark.Dict:
		if value == object {
			return path
		}
		for _, entry := range value.Items() {
			if found := pathFrom(path+step(entry[0]), entry[1], object); found != "" {
				return found
			}
		}
	case *starlark.List:
		for i := 0; i < value.Len(); i++ {
			if found := pathFrom(path+"["+strconv.Itoa(i)+"]", value.Index(i), object); found != "" {
				return found
			}
		}
	}
	return ""
}

func step(key starlark.Value) string {
	text, ok := starlark.AsString(key)
	if ok && isName(text) {
		return "." + text
	}
	return "[" + key.String() + "]"
}

func isName(text string) bool {
	for i, r := range text {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return text != ""
}

func attr(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	name := args[1].(starlark.String)
	value, err := lookUp(args[0], name)
	if value != nil || err != nil {
		return value, err
	}
	if dict, ok := args[0].(*starlark.Dict); ok {
		return nil, missingFieldError{dict, string(name)}
	}
	return nil, fmt.Errorf("%s has no .%s field or method", described(args[0]), string(name))
}

func item(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	switch x := args[0].(type) {
	case *starlark.Dict:
		value, found, err := x.Get(args[1])
		if err == nil && !found {
			err = missingFieldError{x, string(args[1].(starlark.String))}
		}
		return value, err
	case starlark.Indexable:
		return nil, fmt.Errorf("%s index: got string, want int", x.Type())
	}
	return nil, fmt.Errorf("%s has no items; [%s] cannot be read of it", described(args[0]), args[1].String())
}

// described says null for what JSON calls null: that is what an author sees in the data.
func described(value starlark.Value) string {
	if value == starlark.None {
		return "null (None)"
	}
	return value.Type()
}

// lookUp gives nil for a field or method that is not there.
func lookUp(value starlark.Value, name starlark.String) (starlark.Value, error) {
	if dict, ok := value.(*starlark.Dict); ok {
		if field, found, _ := dict.Get(name); found {
			return field, nil
		}
	}
	if object, ok := value.(starlark.HasAttrs); ok {
		member, err := object.Attr(string(name))
		if member != nil || err != nil {
			return member, err
		}
	}
	if method, ok := laterStringMethods[string(name)]; ok {
		if _, ok := value.(starlark.String); ok {
			return method.BindReceiver(value), nil
		}
	}
	return nil, nil
}

func hasAttr(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var object starlark.Value
	var name starlark.String
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 2, &object, &name); err != nil {
		return nil, err
	}
	value, err := lookUp(object, name)
	return starlark.Bool(err == nil && value != nil), nil
}

func getAttr(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var object, fallback starlark.Value
	var name starlark.String
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 2, &object, &name, &fallback); err != nil {
		return nil, err
	}
	value, err := attr(thread, b, starlark.Tuple{object, name}, nil)
	if err != nil && fallback != nil {
		return fallback, nil
	}
	return value, err
}
