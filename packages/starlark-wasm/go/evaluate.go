// Evaluation of a compiled program against one scope.
//
//  1. The scope is read from JSON and frozen: an evaluation cannot change what it was given.
//  2. Whatever ends an evaluation, the program's scope is emptied after it.
//  3. Steps are limited here; time and memory are limited by the host, which drops the instance.
package main

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

const (
	maxSteps       = 100_000
	maxResultBytes = 16 << 20

	stepsMessage  = "the expression takes more than 100,000 steps"
	memoryMessage = "the expression needs more than 64 MiB of memory"
	resultMessage = "the expression's value is larger than 16 MiB of JSON"
)

type failure struct {
	status  uint32
	message string
}

func newThread() *starlark.Thread {
	thread := &starlark.Thread{Name: "expression", Print: func(*starlark.Thread, string) {}}
	thread.SetMaxExecutionSteps(maxSteps)
	return thread
}

func evaluate(p *program, scopeText, out []byte) ([]byte, *failure) {
	if p == nil {
		return nil, &failure{statusFailed, "internal error: no such program"}
	}
	defer p.clearScope()
	if err := p.fillScope(scopeText); err != nil {
		return nil, &failure{statusFailed, err.Error()}
	}
	thread := newThread()
	value, err := p.run(thread)
	if err != nil {
		return nil, p.failureOf(thread, err)
	}
	out, err = appendValue(out, value, 0)
	if err == errResultTooLarge {
		return nil, &failure{statusLimit, resultMessage}
	}
	if err != nil {
		return nil, &failure{statusFailed, err.Error()}
	}
	return out, nil
}

func (p *program) run(thread *starlark.Thread) (starlark.Value, error) {
	if p.function != nil {
		return starlark.Call(thread, p.function, nil, nil)
	}
	globals, err := p.script.Init(thread, p.scope)
	if err != nil {
		return nil, err
	}
	if !p.hasMain {
		return globals[resultName], nil
	}
	main, ok := globals["main"].(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("main is not a function")
	}
	ctx := p.scope[contextName]
	if ctx == nil {
		return nil, fmt.Errorf("name %q is not defined", contextName)
	}
	return starlark.Call(thread, main, starlark.Tuple{ctx}, nil)
}

func (p *program) fillScope(text []byte) error {
	for _, name := range p.names {
		if name.Builtin {
			p.scope[name.Name] = universe[name.Name]
		}
	}
	return decodeScope(text, func(name string, value starlark.Value) {
		value.Freeze()
		p.scope[name] = value
	})
}

func (p *program) clearScope() {
	for name := range p.scope {
		if !strings.HasPrefix(name, internalMark) {
			delete(p.scope, name)
		}
	}
}

// failureOf tells limits from errors. The interpreter has no error types for what it refuses to attempt, so two
// of its sentences are known here; a test holds them against the pinned version.
func (p *program) failureOf(thread *starlark.Thread, err error) *failure {
	if thread.ExecutionSteps() >= maxSteps {
		return &failure{statusLimit, stepsMessage}
	}
	message := err.Error()
	if strings.HasPrefix(message, "excessive repeat") || strings.HasPrefix(message, "shift count too large") {
		return &failure{statusLimit, message}
	}
	if evalErr, ok := err.(*starlark.EvalError); ok {
		if missing, ok := evalErr.Unwrap().(missingFieldError); ok {
			message = missing.describe(p)
		}
		for _, name := range p.names {
			if message == "internal error: predeclared variable "+name.Name+" is uninitialized" {
				message = fmt.Sprintf("name %q is not defined", name.Name)
			}
		}
		message = p.withLine(message, evalErr.CallStack)
	}
	return &failure{statusFailed, message}
}

// withLine names the line of a script; an expression is one line and needs none.
func (p *program) withLine(message string, stack starlark.CallStack) string {
	if p.script == nil {
		return message
	}
	for depth := 0; depth < len(stack); depth++ {
		if position := stack.At(depth).Pos; position.Line > 0 {
			return fmt.Sprintf("line %d: %s", position.Line, message)
		}
	}
	return message
}
