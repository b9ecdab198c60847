package explain

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A docRow is a row of the table in the package doc.
type docRow struct{ function, phrase string }

func docRows(t *testing.T) (rows []docRow) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^//\t(\w+) {2,}(.+)$`).FindAllStringSubmatch(string(src), -1) {
		rows = append(rows, docRow{m[1], m[2]})
	}
	if len(rows) < 50 {
		t.Fatalf("%d rows", len(rows))
	}
	return rows
}

// in reports whether the parts of the phrase are in s, in their order and whatever their case.
func (r docRow) in(s string) bool {
	s = strings.ToLower(s)
	for part := range strings.SplitSeq(strings.ToLower(r.phrase), " … ") {
		_, rest, ok := strings.Cut(s, part)
		if !ok {
			return false
		}
		s = rest
	}
	return true
}

// literals returns the string literals of each function of the package.
func literals(t *testing.T) map[string]string {
	out := make(map[string]string)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				ast.Inspect(fn, func(n ast.Node) bool {
					if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						out[fn.Name.Name] += lit.Value + "\n"
					}
					return true
				})
			}
		}
	}
	return out
}

// The table in the package doc has the sentences of TestVerdict, and the functions that write them.
func TestDocTable(t *testing.T) {
	rows := docRows(t)
	var verdicts []string
	for _, c := range verdictCases() {
		verdicts = append(verdicts, c.text+" "+c.alarm)
		for sentence := range strings.SplitSeq(c.text+" "+c.alarm, ". ") {
			found := strings.TrimSpace(sentence) == ""
			for _, r := range rows {
				found = found || r.in(sentence)
			}
			if !found {
				t.Errorf("%s: the doc has no row for %q", c.name, sentence)
			}
		}
	}
	source := literals(t)
	for _, r := range rows {
		if !slices.ContainsFunc(verdicts, r.in) {
			t.Errorf("no case has %q", r.phrase)
		}
		for part := range strings.SplitSeq(r.phrase, " … ") {
			if !(docRow{r.function, part}).in(source[r.function]) {
				t.Errorf("%s does not write %q", r.function, part)
			}
		}
	}
}
