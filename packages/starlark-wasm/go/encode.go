// Starlark values to JSON. What JSON, or a JSON number as the host holds it, cannot say is an error.
package main

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"go.starlark.net/starlark"
)

var errResultTooLarge = errors.New(resultMessage)

// maxSafeInteger is the last of the integers that a double holds without a gap.
const maxSafeInteger = 1<<53 - 1

func appendValue(out []byte, value starlark.Value, depth int) ([]byte, error) {
	if depth > maxDataDepth {
		return nil, fmt.Errorf("the value is nested more than %d levels deep", maxDataDepth)
	}
	if len(out) > maxResultBytes {
		return nil, errResultTooLarge
	}
	switch v := value.(type) {
	case starlark.NoneType:
		return append(out, "null"...), nil
	case starlark.Bool:
		return strconv.AppendBool(out, bool(v)), nil
	case starlark.Int:
		return appendInt(out, v)
	case starlark.Float:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("the value %v is not a JSON number", v)
		}
		return strconv.AppendFloat(out, float64(v), 'g', -1, 64), nil
	case starlark.String:
		if len(v) > maxResultBytes {
			return nil, errResultTooLarge
		}
		return appendString(out, string(v)), nil
	case *starlark.Dict:
		return appendDict(out, v, depth)
	case *starlark.Set:
		return nil, fmt.Errorf("the value holds a set, which JSON has not; write list(…) or sorted(…) around it")
	case starlark.Sequence: // list, tuple, range
		return appendSequence(out, v, depth)
	}
	return nil, fmt.Errorf("the value holds a %s, which is not JSON", value.Type())
}

func appendInt(out []byte, value starlark.Int) ([]byte, error) {
	if small, ok := value.Int64(); ok && small >= -maxSafeInteger && small <= maxSafeInteger {
		return strconv.AppendInt(out, small, 10), nil
	}
	large := value.BigInt()
	float, _ := new(big.Float).SetInt(large).Float64()
	if !math.IsInf(float, 0) {
		if exact, _ := new(big.Float).SetFloat64(float).Int(nil); exact.Cmp(large) == 0 {
			return append(out, large.String()...), nil
		}
	}
	return nil, fmt.Errorf("the integer %s is beyond what a JSON number holds exactly; write str(…) around it", shortened(large.String()))
}

func shortened(digits string) string {
	if len(digits) > 40 {
		return digits[:40] + "…"
	}
	return digits
}

func appendDict(out []byte, dict *starlark.Dict, depth int) ([]byte, error) {
	out = append(out, '{')
	for i, entry := range dict.Items() {
		key, ok := starlark.AsString(entry[0])
		if !ok {
			return nil, fmt.Errorf("the value holds a dict with a key of type %s (%s); JSON keys are strings", entry[0].Type(), entry[0])
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, key), ':')
		var err error
		if out, err = appendValue(out, entry[1], depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendSequence(out []byte, sequence starlark.Sequence, depth int) ([]byte, error) {
	out = append(out, '[')
	iterator := sequence.Iterate()
	defer iterator.Done()
	var element starlark.Value
	for i := 0; iterator.Next(&element); i++ {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendValue(out, element, depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

const hexDigits = "0123456789abcdef"

// appendString writes bytes that are not UTF-8 as they are; the host reads each as U+FFFD.
func appendString(out []byte, text string) []byte {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		out = append(out, text[start:i]...)
		start = i + 1
		if b == '"' || b == '\\' {
			out = append(out, '\\', b)
		} else {
			out = append(out, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
	}
	return append(append(out, text[start:]...), '"')
}
