// JSON to Starlark values: objects to dicts in key order, numbers without fraction or exponent to ints.
package main

import (
	"errors"
	"math/big"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// maxDataDepth keeps the recursion here and in the interpreter well inside the host's stack.
const maxDataDepth = 500

var (
	errMalformed = errors.New("the scope is not JSON")
	errTooDeep   = errors.New("the data is nested more than 500 levels deep")
)

type decoder struct {
	text  []byte
	at    int
	depth int
}

// decodeScope reads one JSON object and gives each of its entries.
func decodeScope(text []byte, each func(name string, value starlark.Value)) error {
	d := &decoder{text: text}
	return d.entries(func(name string, value starlark.Value) error {
		each(name, value)
		return nil
	})
}

func (d *decoder) skipBlanks() {
	for d.at < len(d.text) && d.text[d.at] <= ' ' {
		d.at++
	}
}

// next skips blanks and gives the byte there, or 0 at the end.
func (d *decoder) next() byte {
	d.skipBlanks()
	if d.at >= len(d.text) {
		return 0
	}
	return d.text[d.at]
}

func (d *decoder) accept(b byte) bool {
	if d.next() != b {
		return false
	}
	d.at++
	return true
}

func (d *decoder) value() (starlark.Value, error) {
	switch b := d.next(); {
	case b == '"':
		text, err := d.str()
		return starlark.String(text), err
	case b == '{':
		dict := new(starlark.Dict)
		err := d.entries(func(name string, value starlark.Value) error {
			return dict.SetKey(starlark.String(name), value)
		})
		return dict, err
	case b == '[':
		return d.list()
	case b == 't':
		return d.word("true", starlark.True)
	case b == 'f':
		return d.word("false", starlark.False)
	case b == 'n':
		return d.word("null", starlark.None)
	case b == '-' || b >= '0' && b <= '9':
		return d.number()
	}
	return nil, errMalformed
}

func (d *decoder) word(word string, value starlark.Value) (starlark.Value, error) {
	end := d.at + len(word)
	if end > len(d.text) || string(d.text[d.at:end]) != word {
		return nil, errMalformed
	}
	d.at = end
	return value, nil
}

func (d *decoder) entries(each func(name string, value starlark.Value) error) error {
	if d.depth++; d.depth > maxDataDepth {
		return errTooDeep
	}
	defer func() { d.depth-- }()
	if !d.accept('{') {
		return errMalformed
	}
	if d.accept('}') {
		return nil
	}
	for {
		if d.next() != '"' {
			return errMalformed
		}
		name, err := d.str()
		if err != nil {
			return err
		}
		if !d.accept(':') {
			return errMalformed
		}
		value, err := d.value()
		if err != nil {
			return err
		}
		if err := each(name, value); err != nil {
			return err
		}
		if d.accept('}') {
			return nil
		}
		if !d.accept(',') {
			return errMalformed
		}
	}
}

func (d *decoder) list() (starlark.Value, error) {
	if d.depth++; d.depth > maxDataDepth {
		return nil, errTooDeep
	}
	defer func() { d.depth-- }()
	d.at++
	var elements []starlark.Value
	if d.accept(']') {
		return starlark.NewList(nil), nil
	}
	for {
		value, err := d.value()
		if err != nil {
			return nil, err
		}
		elements = append(elements, value)
		if d.accept(']') {
			return starlark.NewList(elements), nil
		}
		if !d.accept(',') {
			return nil, errMalformed
		}
	}
}

func (d *decoder) number() (starlark.Value, error) {
	start, whole := d.at, true
scan:
	for ; d.at < len(d.text); d.at++ {
		switch b := d.text[d.at]; {
		case b >= '0' && b <= '9' || b == '-' || b == '+':
		case b == '.' || b == 'e' || b == 'E':
			whole = false
		default:
			break scan
		}
	}
	text := string(d.text[start:d.at])
	if !whole {
		float, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, errMalformed
		}
		return starlark.Float(float), nil
	}
	if small, err := strconv.ParseInt(text, 10, 64); err == nil && small >= -maxSafeInteger && small <= maxSafeInteger {
		return starlark.MakeInt64(small), nil
	}
	// The host writes the shortest digits that mean the double; the integer is what the double holds.
	float, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errMalformed
	}
	large, _ := new(big.Float).SetFloat64(float).Int(nil)
	return starlark.MakeBigInt(large), nil
}

// str reads a string at its opening quotation mark.
func (d *decoder) str() (string, error) {
	d.at++
	start := d.at
	for ; d.at < len(d.text); d.at++ {
		switch d.text[d.at] {
		case '"':
			text := string(d.text[start:d.at])
			d.at++
			return text, nil
		case '\\':
			return d.escaped(append([]byte(nil), d.text[start:d.at]...))
		}
	}
	return "", errMalformed
}

const (
	escapeLetters = `"\/bfnrt`
	escapeBytes   = "\"\\/\b\f\n\r\t"
)

// escaped goes on with a string from its first backslash.
func (d *decoder) escaped(buffer []byte) (string, error) {
	for d.at < len(d.text) {
		b := d.text[d.at]
		d.at++
		if b == '"' {
			return string(buffer), nil
		}
		if b != '\\' {
			buffer = append(buffer, b)
			continue
		}
		if d.at >= len(d.text) {
			return "", errMalformed
		}
		letter := d.text[d.at]
		d.at++
		if letter == 'u' {
			buffer = utf8.AppendRune(buffer, d.unicodeEscape())
			continue
		}
		known := false
		for i := 0; i < len(escapeLetters); i++ {
			if escapeLetters[i] == letter {
				buffer, known = append(buffer, escapeBytes[i]), true
			}
		}
		if !known {
			return "", errMalformed
		}
	}
	return "", errMalformed
}

// unicodeEscape reads the digits after \u, and a second half that belongs to them. Half a pair has no meaning in
// UTF-8 and becomes U+FFFD.
func (d *decoder) unicodeEscape() rune {
	first := d.hexDigits()
	if !utf16.IsSurrogate(first) {
		return first
	}
	if d.at+6 <= len(d.text) && d.text[d.at] == '\\' && d.text[d.at+1] == 'u' {
		mark := d.at
		d.at += 2
		if pair := utf16.DecodeRune(first, d.hexDigits()); pair != utf8.RuneError {
			return pair
		}
		d.at = mark
	}
	return utf8.RuneError
}

func (d *decoder) hexDigits() rune {
	if d.at+4 > len(d.text) {
		d.at = len(d.text)
		return utf8.RuneError
	}
	value, err := strconv.ParseUint(string(d.text[d.at:d.at+4]), 16, 16)
	d.at += 4
	if err != nil {
		return utf8.RuneError
	}
	return rune(value)
}
