package gomodel

import (
	"go/ast"
	"slices"
)

// Around are the nodes that a node stands in, from the declaration on.
func (f *File) Around(n ast.Node) []ast.Node {
	for _, d := range f.AST.Decls {
		if d.Pos() <= n.Pos() && n.End() <= d.End() {
			var path []ast.Node
			ast.Inspect(d, func(x ast.Node) bool {
				if x == nil || x == n || x.Pos() > n.Pos() || n.End() > x.End() {
					return false
				}
				path = append(path, x)
				return true
			})
			return path
		}
	}
	return nil
}

// Receivers are the names that get the value of an expression: of variables
// and fields that it is assigned to, keys of literals, parameters that it is
// given to, and of the function that returns it.
func (f *File) Receivers(e ast.Expr) []string {
	var out []string
	child := ast.Node(e)
	for _, n := range slices.Backward(f.Around(e)) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if len(n.Lhs) != len(n.Rhs) || n.Rhs[i] == child {
					out = append(out, written(l))
				}
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				out = append(out, id.Name)
			}
		case *ast.KeyValueExpr:
			if n.Value == child {
				if text, ok := f.Text(n.Key); ok {
					out = append(out, text)
				} else {
					out = append(out, written(n.Key))
				}
			}
		case *ast.CallExpr:
			for i, a := range n.Args {
				if a != child {
					continue
				}
				for _, to := range f.functions(n.Fun, 0) {
					if i < len(to.Params) {
						out = append(out, to.Params[i].Name)
					}
				}
			}
		case *ast.FuncLit:
			return out
		case *ast.FuncDecl:
			out = append(out, n.Name.Name)
		}
		child = n
	}
	return out
}

// FuncOf is the function that a node stands in, or nil.
func (f *File) FuncOf(n ast.Node) *Func {
	for _, x := range slices.Backward(f.Around(n)) {
		if fn := f.funcs[x]; fn != nil {
			return fn
		}
	}
	return nil
}

// CallOf is a call of the file as the model knows it, or nil.
func (f *File) CallOf(e ast.Expr) *Call {
	c, ok := unparen(e).(*ast.CallExpr)
	if !ok {
		return nil
	}
	return f.calls[c]
}

// Sites are the calls that reach a function.
func (fn *Func) Sites() []*Call { return fn.File.Project.sites[fn] }

// Returns are the return statements of a function, not of those within.
func (fn *Func) Returns() []*ast.ReturnStmt { return fn.returns }

// Reached are the functions of the project that a function calls, and those
// that they call, to a depth; itself and what is within are the first.
func (fn *Func) Reached(depth int) []*Func {
	out := fn.Within()
	for from := 0; depth > 0 && from < len(out); depth-- {
		level := out[from:]
		from = len(out)
		for _, in := range level {
			for _, c := range in.Calls {
				for _, to := range c.targets {
					if !slices.Contains(out, to) {
						out = append(out, to.Within()...)
					}
				}
			}
		}
	}
	return out
}
