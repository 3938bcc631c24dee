// The free names of a program, and what it reads of each.
//
// A program that uses a name only as `name.a.b` or `name["a"]["b"]` needs nothing else of it: the host then sends those
// fields alone, however large the rest is. Any other use may read anything.
package main

import (
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// Methods of an object: what is read through them is not in the source text.
var objectMethods = map[string]bool{
	"clear": true, "get": true, "items": true, "keys": true, "pop": true,
	"popitem": true, "setdefault": true, "update": true, "values": true,
}

type nameCollector struct {
	names []freeName
	index map[string]int
}

func freeNames(file *syntax.File) []freeName {
	collector := &nameCollector{index: map[string]int{}}
	syntax.Walk(file, collector.visit)
	return collector.names
}

func (c *nameCollector) visit(node syntax.Node) bool {
	expr, ok := node.(syntax.Expr)
	if !ok {
		return true
	}
	ident, path := chain(expr)
	if ident == nil || !isFree(ident) {
		return true
	}
	c.add(ident, path)
	return false
}

func (c *nameCollector) add(ident *syntax.Ident, path []string) {
	for i, field := range path {
		if objectMethods[field] {
			path = path[:i]
			break
		}
	}
	at, seen := c.index[ident.Name]
	if !seen {
		_, builtin := universe[ident.Name]
		at = len(c.names)
		c.index[ident.Name] = at
		c.names = append(c.names, freeName{ident.Name, ident.NamePos.Line, ident.NamePos.Col, builtin, [][]string{}})
	}
	name := &c.names[at]
	if len(path) == 0 {
		name.Reads = nil
	} else if name.Reads != nil {
		name.Reads = append(name.Reads, path)
	}
}

// chain takes `name.a["b"]`, as it is after rewriting, apart; nil for every other expression.
func chain(expr syntax.Expr) (*syntax.Ident, []string) {
	switch e := expr.(type) {
	case *syntax.Ident:
		return e, nil
	case *syntax.ParenExpr:
		return chain(e.X)
	case *syntax.CallExpr:
		access, ok := e.Fn.(*syntax.Ident)
		if !ok || access.Name != attrName && access.Name != itemName {
			return nil, nil
		}
		ident, path := chain(e.Args[0])
		key, ok := e.Args[1].(*syntax.Literal)
		if ident == nil || !ok {
			return nil, nil
		}
		return ident, append(path, key.Value.(string))
	}
	return nil, nil
}

func isFree(ident *syntax.Ident) bool {
	binding, ok := ident.Binding.(*resolve.Binding)
	return ok && binding.Scope == resolve.Predeclared && !strings.HasPrefix(ident.Name, internalMark)
}

// readWhole: something outside of the text, such as the call of main(ctx), hands the value on.
func (p *program) readWhole(name string) {
	for i := range p.names {
		if p.names[i].Name == name {
			p.names[i].Reads = nil
		}
	}
}
