// Compilation: source text to a program that can be run again and again.
//
//  1. Every free name is resolved as predeclared, so that a context key can stand before a builtin of its name.
//  2. `x.name` and `x["name"]` are calls of $attr and $item after rewriting: Starlark's own dict then is the
//     object of the language, equal to a dict wherever it is compared, with fields besides. `x | y` is a call too:
//     the pinned interpreter has it for sets and ints, the language for dicts as well.
package main

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const (
	resultName   = "$value" // no source text can spell it
	attrName     = "$attr"
	itemName     = "$item"
	unionName    = "$union"
	internalMark = "$"
	contextName  = "ctx"
)

type freeName struct {
	Name    string `json:"name"`
	Line    int32  `json:"line"`
	Column  int32  `json:"column"`
	Builtin bool   `json:"builtin"`
	// Paths of fields that are all the program reads of the name; nil where it may read anything of it.
	Reads [][]string `json:"reads"`
}

type program struct {
	names    []freeName
	scope    starlark.StringDict // what the names mean in the evaluation under way
	function *starlark.Function  // an expression, as a function of nothing
	script   *starlark.Program   // a script, run from the top each time
	hasMain  bool
}

type syntaxProblem struct {
	Message string `json:"message"`
	Line    int32  `json:"line"`
	Column  int32  `json:"column"`
}

var (
	programs      = map[uint32]*program{}
	lastProgramID uint32
)

func configureDialect() {
	resolve.AllowSet = true
	resolve.AllowGlobalReassign = true // top-level if and for in scripts
	resolve.AllowRecursion = false
}

func replyCompiled(compiled *program, problem *syntaxProblem) {
	if problem != nil {
		text, _ := json.Marshal(problem)
		reply(statusFailed, text)
		return
	}
	lastProgramID++
	programs[lastProgramID] = compiled
	header[wordArgument] = lastProgramID
	names := compiled.names
	if names == nil {
		names = []freeName{}
	}
	text, _ := json.Marshal(names)
	reply(statusOK, text)
}

func compileExpression(source string) (*program, *syntaxProblem) {
	// Blanks before an expression would be an indentation error; `{{ x }}` and folded YAML have them.
	trimmed := strings.TrimLeft(source, " \t\r\n")
	skipped := source[:len(source)-len(trimmed)]
	lines := int32(strings.Count(skipped, "\n"))
	columns := int32(utf8.RuneCountInString(skipped[strings.LastIndexByte(skipped, '\n')+1:]))
	place := func(line, column int32) (int32, int32) {
		if line == 1 {
			column += columns
		}
		return line + lines, column
	}

	compiled, problem := compileTrimmed(strings.TrimRight(trimmed, " \t\r\n"))
	if problem != nil {
		problem.Line, problem.Column = place(problem.Line, problem.Column)
		return nil, problem
	}
	for i := range compiled.names {
		name := &compiled.names[i]
		name.Line, name.Column = place(name.Line, name.Column)
	}
	return compiled, nil
}

func compileTrimmed(source string) (*program, *syntaxProblem) {
	if source == "" {
		return nil, &syntaxProblem{"the expression is empty", 1, 1}
	}
	expr, err := syntax.ParseExpr("expression", source, 0)
	if err != nil {
		return nil, problemOf(err, source)
	}
	start, _ := expr.Span()
	lambda := &syntax.LambdaExpr{Lambda: start, Body: rewrite(expr)}
	compiled, binary, problem := link([]syntax.Stmt{assignResult(lambda, start)})
	if problem != nil {
		return nil, problem
	}
	globals, err := binary.Init(newThread(), compiled.scope)
	if err != nil {
		return nil, &syntaxProblem{err.Error(), 1, 1}
	}
	compiled.function = globals[resultName].(*starlark.Function)
	return compiled, nil
}

func compileScript(source string) (*program, *syntaxProblem) {
	file, err := syntax.Parse("script", source, 0)
	if err != nil {
		return nil, problemOf(err, source)
	}
	var main *syntax.DefStmt
	for _, stmt := range file.Stmts {
		if def, ok := stmt.(*syntax.DefStmt); ok && def.Name.Name == "main" {
			main = def
		}
	}
	if problem := prepareStatements(file.Stmts, main != nil); problem != nil {
		return nil, problem
	}
	compiled, binary, problem := link(file.Stmts)
	if problem != nil {
		return nil, problem
	}
	compiled.script = binary
	if main != nil {
		compiled.hasMain = true
		compiled.readWhole(contextName)
		compiled.needContext(main.Name.NamePos)
	}
	return compiled, nil
}

// prepareStatements makes the last expression the script's value; main(ctx) is called on the same way.
func prepareStatements(stmts []syntax.Stmt, hasMain bool) *syntaxProblem {
	for _, stmt := range stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok {
			return &syntaxProblem{"load is not available", load.Load.Line, load.Load.Col}
		}
	}
	rewriteStatements(stmts)
	if hasMain {
		return nil
	}
	if len(stmts) > 0 {
		last := len(stmts) - 1
		start, _ := stmts[last].Span()
		if value, ok := stmts[last].(*syntax.ExprStmt); ok {
			stmts[last] = assignResult(value.X, start)
			return nil
		}
		return &syntaxProblem{"the script ends without a value: end it with an expression, or define main(ctx)", start.Line, start.Col}
	}
	return &syntaxProblem{"the script is empty", 1, 1}
}

func assignResult(value syntax.Expr, at syntax.Position) syntax.Stmt {
	return &syntax.AssignStmt{OpPos: at, Op: syntax.EQ, LHS: &syntax.Ident{NamePos: at, Name: resultName}, RHS: value}
}

func link(stmts []syntax.Stmt) (*program, *starlark.Program, *syntaxProblem) {
	file := &syntax.File{Path: "expression", Stmts: stmts}
	binary, err := starlark.FileProgram(file, func(string) bool { return true })
	if err != nil {
		return nil, nil, problemOf(err, "")
	}
	compiled := &program{names: freeNames(file), scope: starlark.StringDict{}}
	compiled.scope[attrName] = attrBuiltin
	compiled.scope[itemName] = itemBuiltin
	compiled.scope[unionName] = unionBuiltin
	return compiled, binary, nil
}

// needContext: main(ctx) takes the context, whether or not the script speaks of it elsewhere.
func (p *program) needContext(at syntax.Position) {
	for _, name := range p.names {
		if name.Name == contextName {
			return
		}
	}
	p.names = append(p.names, freeName{Name: contextName, Line: at.Line, Column: at.Col})
}

func problemOf(err error, source string) *syntaxProblem {
	switch err := err.(type) {
	case syntax.Error:
		return &syntaxProblem{hinted(err.Msg, source), err.Pos.Line, err.Pos.Col}
	case resolve.ErrorList:
		return &syntaxProblem{err[0].Msg, err[0].Pos.Line, err[0].Pos.Col}
	}
	return &syntaxProblem{err.Error(), 1, 1}
}

// hinted adds what an author used to Python or JavaScript needs to hear.
func hinted(message, source string) string {
	switch {
	case strings.HasPrefix(message, "got '**'"):
		return message + " (Starlark has no ** operator; math.pow(x, y) gives a float)"
	case strings.Contains(source, "&&") || strings.Contains(source, "||"):
		return message + " (Starlark writes `and` and `or`)"
	}
	return message
}
