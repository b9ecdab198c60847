package amqprpc_test

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every promise of the package's documentation names tests, and there are such tests: the
// items of the lists under headings that begin with "Promised:" end with "Held by", the
// tests' names, and a full stop.
func TestPromisesAreTested(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "promises.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOfModule(t, "..")
	promises, problems := checkPromises(file.Doc.Text(), tests)
	for _, p := range problems {
		t.Error(p)
	}
	if promises < 40 {
		t.Errorf("only %d promises are found", promises)
	}
	t.Logf("%d promises, %d tests in the module", promises, len(tests))
}

// The test above finds what it is there to find.
func TestBrokenPromises(t *testing.T) {
	tests := map[string]bool{"TestA": true, "some/folder.TestB": true}
	const heading = "# Promised: x\n\n"
	for text, want := range map[string]int{
		heading + "  - This is so. Held by TestA.\n":                                0,
		heading + "  - This is so. Held by TestA,\n    some/folder.TestB.\n":        0,
		heading + "  - This is so.\n":                                               1,
		heading + "  - This is so. Held by nothing.\n":                              1,
		heading + "  - This is so. Held by TestB.\n":                                1,
		heading + "  - This is so. Held by TestA, TestC, some/folder.TestC.\n":      2,
		heading + "  - This is so. Held by TestA.\n  - This is so, too.\n":          1,
		heading + "  - This is so. Held by TestA.\n\n# Not promised\n\n  - That.\n": 0,
		heading + "Only a sentence.\n":                                              1,
		"# Not promised\n\n  - That, as TestC might say.\n":                         0,
	} {
		if _, problems := checkPromises(text, tests); len(problems) != want {
			t.Errorf("%q: %q", text, problems)
		}
	}
}

var heldBy = regexp.MustCompile(`^(?s:.+)\. Held by ([A-Za-z0-9_./]+(?:, [A-Za-z0-9_./]+)*)\.$`)

// checkPromises counts the promises of a doc comment, and says what is wrong with them.
func checkPromises(text string, tests map[string]bool) (promises int, problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	var p comment.Parser
	section, promised := "", false
	for _, block := range p.Parse(text).Content {
		switch b := block.(type) {
		case *comment.Heading:
			section = plain(b.Text)
			promised = strings.HasPrefix(section, "Promised:")
		case *comment.List:
			if !promised {
				continue
			}
			for _, item := range b.Items {
				promises++
				var words []string
				for _, block := range item.Content {
					if paragraph, ok := block.(*comment.Paragraph); ok {
						words = append(words, strings.Fields(plain(paragraph.Text))...)
					}
				}
				said := strings.Join(words, " ")
				m := heldBy.FindStringSubmatch(said)
				if m == nil {
					problem("%s: no test is named to hold %q", section, said)
					continue
				}
				for _, name := range strings.Split(m[1], ", ") {
					if !tests[name] {
						problem("%s: there is no %s, to hold %q", section, name, said)
					}
				}
			}
		default:
			if promised {
				problem("%s: what is in no list is no promise", section)
			}
		}
	}
	return promises, problems
}

// plain is text without its links.
func plain(text []comment.Text) string {
	var b strings.Builder
	for _, t := range text {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(string(t))
		case comment.Italic:
			b.WriteString(string(t))
		case *comment.Link:
			b.WriteString(plain(t.Text))
		case *comment.DocLink:
			b.WriteString(plain(t.Text))
		}
	}
	return b.String()
}

// testsOfModule returns the names of all tests and fuzz tests: "TestX" in this package,
// "folder/of/package.TestX" elsewhere.
func testsOfModule(t *testing.T, root string) map[string]bool {
	t.Helper()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Base(here)
	tests := map[string]bool{}
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(name)), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		prefix := path.Dir(name) + "."
		if path.Dir(name) == own {
			prefix = ""
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && isTest(f) {
				tests[prefix+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// isTest says whether the testing package would run a function.
func isTest(f *ast.FuncDecl) bool {
	for prefix, kind := range map[string]string{"Test": "T", "Fuzz": "F"} {
		rest, ok := strings.CutPrefix(f.Name.Name, prefix)
		if !ok || rest == "" || rest != strings.ToUpper(rest[:1])+rest[1:] || f.Recv != nil || len(f.Type.Params.List) != 1 {
			continue
		}
		if star, ok := f.Type.Params.List[0].Type.(*ast.StarExpr); ok {
			if of, ok := star.X.(*ast.SelectorExpr); ok && of.Sel.Name == kind {
				return true
			}
		}
	}
	return false
}
