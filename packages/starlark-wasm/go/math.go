package main

import (
	"fmt"
	"math"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// makeMath follows the library's own math module, which came after the pinned commit.
func makeMath() *starlarkstruct.Module {
	members := starlark.StringDict{
		"pi":    starlark.Float(math.Pi),
		"e":     starlark.Float(math.E),
		"ceil":  starlark.NewBuiltin("math.ceil", rounding(math.Ceil)),
		"floor": starlark.NewBuiltin("math.floor", rounding(math.Floor)),
		"log":   starlark.NewBuiltin("math.log", logarithm),
	}
	unary := map[string]func(float64) float64{
		"acos": math.Acos, "acosh": math.Acosh, "asin": math.Asin, "asinh": math.Asinh, "atan": math.Atan,
		"atanh": math.Atanh, "cos": math.Cos, "cosh": math.Cosh, "exp": math.Exp, "fabs": math.Abs,
		"gamma": math.Gamma, "round": math.Round, "sin": math.Sin, "sinh": math.Sinh, "sqrt": math.Sqrt,
		"tan": math.Tan, "tanh": math.Tanh,
		"degrees": func(x float64) float64 { return x * 180 / math.Pi },
		"radians": func(x float64) float64 { return x * math.Pi / 180 },
	}
	for name, apply := range unary {
		members[name] = starlark.NewBuiltin("math."+name, unaryMath(apply))
	}
	binary := map[string]func(x, y float64) float64{
		"atan2": math.Atan2, "copysign": math.Copysign, "hypot": math.Hypot, "mod": math.Mod, "pow": math.Pow,
		"remainder": math.Remainder,
	}
	for name, apply := range binary {
		members[name] = starlark.NewBuiltin("math."+name, binaryMath(apply))
	}
	return &starlarkstruct.Module{Name: "math", Members: members}
}

type builtin = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// number unpacks an int or a float.
type number float64

func (n *number) Unpack(value starlark.Value) error {
	float, ok := starlark.AsFloat(value)
	if !ok {
		return fmt.Errorf("got %s, want float or int", value.Type())
	}
	*n = number(float)
	return nil
}

func unaryMath(apply func(float64) float64) builtin {
	return func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var x number
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &x); err != nil {
			return nil, err
		}
		return starlark.Float(apply(float64(x))), nil
	}
}

func binaryMath(apply func(x, y float64) float64) builtin {
	return func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var x, y number
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 2, &x, &y); err != nil {
			return nil, err
		}
		return starlark.Float(apply(float64(x), float64(y))), nil
	}
}

func rounding(apply func(float64) float64) builtin {
	return func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var x starlark.Value
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &x); err != nil {
			return nil, err
		}
		switch x := x.(type) {
		case starlark.Int:
			return x, nil
		case starlark.Float:
			return starlark.NumberToInt(starlark.Float(apply(float64(x))))
		}
		return nil, fmt.Errorf("%s: got %s, want float or int", b.Name(), x.Type())
	}
}

func logarithm(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	x, base := number(0), number(math.E)
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &x, &base); err != nil {
		return nil, err
	}
	if base == math.E {
		return starlark.Float(math.Log(float64(x))), nil
	}
	if base <= 0 || base == 1 {
		return nil, fmt.Errorf("%s: the base must be positive and not 1", b.Name())
	}
	return starlark.Float(math.Log(float64(x)) / math.Log(float64(base))), nil
}
