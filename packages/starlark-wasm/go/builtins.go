// The names that every expression knows: Starlark's own, json, math, sum, and JSON's spelling of constants.
package main

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkjson"
)

var universe = makeUniverse()

func makeUniverse() starlark.StringDict {
	names := starlark.StringDict{}
	for name, value := range starlark.Universe {
		names[name] = value
	}
	names["true"] = starlark.True
	names["false"] = starlark.False
	names["null"] = starlark.None
	names["abs"] = starlark.NewBuiltin("abs", abs)
	names["sum"] = starlark.NewBuiltin("sum", sum)
	names["hasattr"] = starlark.NewBuiltin("hasattr", hasAttr)
	names["getattr"] = starlark.NewBuiltin("getattr", getAttr)
	names["json"] = starlarkjson.Module
	names["math"] = makeMath()
	return names
}
