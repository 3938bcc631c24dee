// What the language has got since the pinned commit of the interpreter: abs, dict | dict, removeprefix and
// removesuffix; and sum, which it has not.
package main

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

var (
	unionBuiltin       = starlark.NewBuiltin(unionName, union)
	laterStringMethods = map[string]*starlark.Builtin{
		"removeprefix": starlark.NewBuiltin("removeprefix", stringCut(strings.TrimPrefix)),
		"removesuffix": starlark.NewBuiltin("removesuffix", stringCut(strings.TrimSuffix)),
	}
)

func stringCut(cut func(text, part string) string) builtin {
	return func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var part string
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &part); err != nil {
			return nil, err
		}
		return starlark.String(cut(string(b.Receiver().(starlark.String)), part)), nil
	}
}

func union(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	left, isLeftDict := args[0].(*starlark.Dict)
	right, isRightDict := args[1].(*starlark.Dict)
	if !isLeftDict || !isRightDict {
		return starlark.Binary(syntax.PIPE, args[0], args[1])
	}
	both := starlark.NewDict(left.Len() + right.Len())
	for _, dict := range []*starlark.Dict{left, right} {
		for _, entry := range dict.Items() {
			if err := both.SetKey(entry[0], entry[1]); err != nil {
				return nil, err
			}
		}
	}
	return both, nil
}

func abs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &x); err != nil {
		return nil, err
	}
	switch x := x.(type) {
	case starlark.Int:
		if x.Sign() < 0 {
			return starlark.MakeInt(0).Sub(x), nil
		}
		return x, nil
	case starlark.Float:
		if x < 0 {
			return -x, nil
		}
		return x, nil
	}
	return nil, fmt.Errorf("%s: got %s, want int or float", b.Name(), x.Type())
}

func sum(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var items starlark.Iterable
	var total starlark.Value = starlark.MakeInt(0)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "iterable", &items, "start?", &total); err != nil {
		return nil, err
	}
	iterator := items.Iterate()
	defer iterator.Done()
	var value starlark.Value
	for iterator.Next(&value) {
		next, err := starlark.Binary(syntax.PLUS, total, value)
		if err != nil {
			return nil, fmt.Errorf("sum: %v", err)
		}
		total = next
	}
	return total, nil
}
