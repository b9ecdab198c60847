package amqprpc_test

import (
	"fmt"
	"go/ast"
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

// Every promise of PROMISES.md names tests, and there are such tests: the items of the lists under headings that
// begin with "Promised:" end with "Tests:", the tests' names, and a full stop.
func TestPromisesAreTested(t *testing.T) {
	text, err := os.ReadFile("PROMISES.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOfModule(t, "..")
	promises, problems := checkPromises(string(text), tests)
	for _, p := range problems {
		t.Error(p)
	}
	if promises < 40 {
		t.Errorf("only %d promises are found", promises)
	}
	t.Logf("%d promises, %d tests in the module", promises, len(tests))
}

// The test above finds missing tests.
func TestCheckPromises(t *testing.T) {
	tests := map[string]bool{"TestA": true, "some/folder.TestB": true}
	const heading = "# Title\n\nWords.\n\n## Promised: x\n\n"
	for text, want := range map[string]int{
		heading + "- This is so. Tests: TestA.\n":                                    0,
		heading + "- This is so. Tests: TestA,\n  some/folder.TestB.\n":              0,
		heading + "- This\n  is so. Tests:\n  TestA.\n- So is this. Tests: TestA.\n": 0,
		heading + "- This is so.\n":                                                  1,
		heading + "- This is so. Tests: nothing.\n":                                  1,
		heading + "- This is so. Tests: TestB.\n":                                    1,
		heading + "- This is so. Tests: TestA, TestC, some/folder.TestC.\n":          2,
		heading + "- This is so. Tests: TestA.\n- This is so, too.\n":                1,
		heading + "- This is so. Tests: TestA.\n\n## Not promised\n\n- That.\n":      0,
		heading + "Only a sentence.\n":                                               1,
		"## Not promised\n\n- That, as TestC might say.\n":                           0,
	} {
		if _, problems := checkPromises(text, tests); len(problems) != want {
			t.Errorf("%q: %q", text, problems)
		}
	}
}

var testsOfPromise = regexp.MustCompile(`^- .+\. Tests: ([A-Za-z0-9_./]+(?:, [A-Za-z0-9_./]+)*)\.$`)

// checkPromises counts the promises of a document, and returns their faults.
func checkPromises(text string, tests map[string]bool) (promises int, problems []string) {
	for _, section := range strings.Split("\n"+text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(title, "Promised:") {
			continue
		}
		for _, item := range strings.Split(strings.ReplaceAll(body, "\n- ", "\n\n- "), "\n\n") {
			item = strings.Join(strings.Fields(item), " ")
			if item == "" {
				continue
			}
			promises++
			m := testsOfPromise.FindStringSubmatch(item)
			if m == nil {
				problems = append(problems, fmt.Sprintf("%s: no test is named for %q", title, item))
				continue
			}
			for _, name := range strings.Split(m[1], ", ") {
				if !tests[name] {
					problems = append(problems, fmt.Sprintf("%s: there is no %s for %q", title, name, item))
				}
			}
		}
	}
	return promises, problems
}

// testsOfModule returns the names of all tests and fuzz tests: "TestX" in this package, "folder/of/package.TestX"
// elsewhere.
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
