package repotest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The measures, in lines of Go that is no test.
const (
	maxFunc    = 70
	maxFile    = 500
	maxPackage = 1500
)

// wider names the packages that may have more lines, and why.
var wider = map[string]int{
	"internal/chat":           4000, // all rules stand in one place, and see each other's state
	"internal/connect":        2500, // one table of operations, most of it their types, which they share
	"internal/node":           1600, // whoever has the turn at a chat has all of it
	"internal/store/sqlstore": 1700, // two databases share one text and one reader
}

// file is a parsed source file.
type file struct {
	*ast.File
	set  *token.FileSet
	name string // from the module's root
}

// parse reads the package's files but for tests.
func parse(t *testing.T, p pkg) (files []file) {
	t.Helper()
	set := token.NewFileSet()
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{f, set, path.Join(p.name(), name)})
	}
	return files
}

// lines counts the lines of a node.
func (f file) lines(n ast.Node) int {
	return f.set.Position(n.End()).Line - f.set.Position(n.Pos()).Line + 1
}

// at says where a node is.
func (f file) at(n ast.Node) string {
	return f.name + ":" + strconv.Itoa(f.set.Position(n.Pos()).Line)
}

func TestSizes(t *testing.T) {
	for _, p := range packages(t) {
		total := 0
		for _, f := range parse(t, p) {
			size := f.set.File(f.Package).LineCount()
			if total += size; size > maxFile {
				t.Errorf("%s has %d lines; split it, %d are the most", f.name, size, maxFile)
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && f.lines(fn) > maxFunc {
					t.Errorf("%s: %s has %d lines; %d are the most", f.at(fn), fn.Name.Name, f.lines(fn), maxFunc)
				}
			}
		}
		if most := max(maxPackage, wider[p.name()]); total > most {
			t.Errorf("%s has %d lines; %d are the most", p.name(), total, most)
		}
	}
}

func TestDocs(t *testing.T) {
	for _, p := range packages(t) {
		files := parse(t, p)
		if !slices.ContainsFunc(files, func(f file) bool { return f.Doc.Text() != "" }) {
			t.Errorf("%s: the package has no comment that says what it is", p.name())
		}
		for _, f := range files {
			for _, d := range f.Decls {
				checkDocs(t, f, d)
			}
		}
	}
}

// checkDocs reports what a declaration exports without a comment.
func checkDocs(t *testing.T, f file, d ast.Decl) {
	undocumented := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		said := slices.ContainsFunc(docs, func(c *ast.CommentGroup) bool { return c.Text() != "" })
		if name.IsExported() && !said {
			t.Errorf("%s: %s is exported and has no comment", f.at(name), name.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || receiver(d.Recv.List[0].Type).IsExported() {
			undocumented(d.Name, d.Doc)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				undocumented(s.Name, s.Doc, d.Doc)
			case *ast.ValueSpec: // a comment may speak for a group
				for _, name := range s.Names {
					undocumented(name, s.Doc, s.Comment, d.Doc)
				}
			}
		}
	}
}

// receiver finds the type that a method belongs to.
func receiver(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr: // of one type parameter
		return receiver(e.X)
	case *ast.IndexListExpr: // of several
		return receiver(e.X)
	}
	return e.(*ast.Ident)
}

// Wiring is done by values that are passed, never by what a package does when it is
// imported.
func TestNoInit(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range parse(t, p) {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: init runs unasked; pass a value instead", f.at(fn))
				}
			}
		}
	}
}

// checkPure reports what a file of internal/chat does besides computing.
func checkPure(t *testing.T, f file) {
	names := make(map[string]string) // of imported packages, to their paths
	for _, imp := range f.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		name := path.Base(p)
		if imp.Name != nil {
			name = imp.Name.Name
		}
		names[name] = p
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
			t.Errorf("%s: no goroutine and no channel in here", f.at(n))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(impure[names[x.Name]], n.Sel.Name) {
				t.Errorf("%s: %s.%s is not pure; time, ids and chance are arguments", f.at(n), x.Name, n.Sel.Name)
			}
		}
		return true
	})
}

// What is left to do belongs in the tracker; what is here is done.
func TestNothingLeftToDo(t *testing.T) {
	marks := [][]byte{[]byte("TO" + "DO"), []byte("FIX" + "ME")}
	kinds := []string{".go", ".md", ".txt", ".sql", ".sh", ".yaml", ".yml", ".html", ".css", ".js", ".ts", ".py", ".java"}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		base := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (strings.HasPrefix(base, ".") || base == "node_modules"):
			return filepath.SkipDir
		case !d.Type().IsRegular() || !slices.Contains(kinds, filepath.Ext(base)) && base != "Makefile":
			return nil
		}
		text, err := os.ReadFile(name)
		for _, mark := range marks {
			if i := bytes.Index(text, mark); i >= 0 {
				t.Errorf("%s:%d: %s: do it, or drop it", name, 1+bytes.Count(text[:i], []byte("\n")), mark)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
