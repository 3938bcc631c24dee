// Rewriting of field access, and of `x | y`, in a syntax tree before names are resolved.
package main

import "go.starlark.net/syntax"

func rewriteStatements(stmts []syntax.Stmt) {
	for _, stmt := range stmts {
		switch s := stmt.(type) {
		case *syntax.AssignStmt:
			rewriteTarget(s.LHS)
			s.RHS = rewrite(s.RHS)
		case *syntax.DefStmt:
			rewriteParams(s.Params)
			rewriteStatements(s.Body)
		case *syntax.ExprStmt:
			s.X = rewrite(s.X)
		case *syntax.ForStmt:
			rewriteTarget(s.Vars)
			s.X = rewrite(s.X)
			rewriteStatements(s.Body)
		case *syntax.WhileStmt:
			s.Cond = rewrite(s.Cond)
			rewriteStatements(s.Body)
		case *syntax.IfStmt:
			s.Cond = rewrite(s.Cond)
			rewriteStatements(s.True)
			rewriteStatements(s.False)
		case *syntax.ReturnStmt:
			if s.Result != nil {
				s.Result = rewrite(s.Result)
			}
		}
	}
}

// rewriteTarget leaves the outermost access of an assignment's left side alone: it is a store.
func rewriteTarget(target syntax.Expr) {
	switch t := target.(type) {
	case *syntax.ParenExpr:
		rewriteTarget(t.X)
	case *syntax.TupleExpr:
		for _, x := range t.List {
			rewriteTarget(x)
		}
	case *syntax.ListExpr:
		for _, x := range t.List {
			rewriteTarget(x)
		}
	case *syntax.IndexExpr:
		t.X, t.Y = rewrite(t.X), rewrite(t.Y)
	case *syntax.DotExpr:
		t.X = rewrite(t.X)
	}
}

// rewriteParams rewrites default values; the names of parameters stay.
func rewriteParams(params []syntax.Expr) {
	for _, param := range params {
		if named, ok := param.(*syntax.BinaryExpr); ok {
			named.Y = rewrite(named.Y)
		}
	}
}

func rewriteAll(list []syntax.Expr) {
	for i, x := range list {
		list[i] = rewrite(x)
	}
}

func rewriteOptional(expr syntax.Expr) syntax.Expr {
	if expr == nil {
		return nil
	}
	return rewrite(expr)
}

func rewrite(expr syntax.Expr) syntax.Expr {
	switch e := expr.(type) {
	case *syntax.DotExpr:
		name := &syntax.Literal{Token: syntax.STRING, TokenPos: e.NamePos, Raw: e.Name.Name, Value: e.Name.Name}
		return operationCall(attrName, rewrite(e.X), name, e.NamePos)
	case *syntax.IndexExpr:
		e.X = rewrite(e.X)
		if key, ok := e.Y.(*syntax.Literal); ok && key.Token == syntax.STRING {
			return operationCall(itemName, e.X, key, e.Lbrack)
		}
		e.Y = rewrite(e.Y)
	case *syntax.BinaryExpr:
		e.X, e.Y = rewrite(e.X), rewrite(e.Y)
		if e.Op == syntax.PIPE {
			return operationCall(unionName, e.X, e.Y, e.OpPos)
		}
	case *syntax.CallExpr:
		e.Fn = rewrite(e.Fn)
		rewriteArguments(e.Args)
	case *syntax.Comprehension:
		e.Body = rewrite(e.Body)
		rewriteClauses(e.Clauses)
	case *syntax.CondExpr:
		e.Cond, e.True, e.False = rewrite(e.Cond), rewrite(e.True), rewrite(e.False)
	case *syntax.DictEntry:
		e.Key, e.Value = rewrite(e.Key), rewrite(e.Value)
	case *syntax.DictExpr:
		rewriteAll(e.List)
	case *syntax.LambdaExpr:
		rewriteParams(e.Params)
		e.Body = rewrite(e.Body)
	case *syntax.ListExpr:
		rewriteAll(e.List)
	case *syntax.ParenExpr:
		e.X = rewrite(e.X)
	case *syntax.SliceExpr:
		e.X = rewrite(e.X)
		e.Lo, e.Hi, e.Step = rewriteOptional(e.Lo), rewriteOptional(e.Hi), rewriteOptional(e.Step)
	case *syntax.TupleExpr:
		rewriteAll(e.List)
	case *syntax.UnaryExpr:
		e.X = rewriteOptional(e.X)
	}
	return expr
}

// rewriteArguments leaves the name of `name=value` alone.
func rewriteArguments(args []syntax.Expr) {
	for i, arg := range args {
		if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
			named.Y = rewrite(named.Y)
			continue
		}
		args[i] = rewrite(arg)
	}
}

func rewriteClauses(clauses []syntax.Node) {
	for _, clause := range clauses {
		switch c := clause.(type) {
		case *syntax.ForClause:
			rewriteTarget(c.Vars)
			c.X = rewrite(c.X)
		case *syntax.IfClause:
			c.Cond = rewrite(c.Cond)
		}
	}
}

func operationCall(builtin string, x, y syntax.Expr, at syntax.Position) syntax.Expr {
	return &syntax.CallExpr{
		Fn:     &syntax.Ident{NamePos: at, Name: builtin},
		Lparen: at,
		Args:   []syntax.Expr{x, y},
		Rparen: at,
	}
}
