//go:build ignore

// Language measures the English of Go comments. It exits with status 1 if they fall short of these bounds:
//
//   - "where" at most once for every nine times "if" (net/http: 1 to 18),
//   - "what" in at most 15 of 1,000 comment lines (net/http: 2),
//   - no identifier that begins with "most": a bound is called "max".
//
// With -v it prints the lines that count against the bounds, with -p only the figures of each package.
// Arguments are folders or files. If there are none, it reads the current folder.
package main

import (
	"flag"
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

const (
	ifsPerWhere     = 9
	whatPerThousand = 15
)

var (
	where = regexp.MustCompile(`(?i)\bwhere\b`)
	ifs   = regexp.MustCompile(`(?i)\bif\b`)
	what  = regexp.MustCompile(`(?i)\bwhat\b`)
	limit = regexp.MustCompile(`^most([A-Z0-9_]|$)`)
)

type count struct{ lines, where, ifs, what, limit int }

func (c *count) add(d count) {
	c.lines += d.lines
	c.where += d.where
	c.ifs += d.ifs
	c.what += d.what
	c.limit += d.limit
}

func (c count) good() bool {
	return c.where*ifsPerWhere <= c.ifs && c.what*1000 <= c.lines*whatPerThousand && c.limit == 0
}

func (c count) String() string {
	return fmt.Sprintf("%6d comment lines, where %d : if %d, %d lines with \"what\", %d identifiers most*", c.lines, c.where, c.ifs, c.what, c.limit)
}

// measure counts in one file. It calls show with each position that counts against a bound.
func measure(path string, show func(pos token.Position, text string)) (count, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return count{}, err
	}
	fset := token.NewFileSet()
	file := fset.AddFile(path, -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	var c count
	for {
		pos, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return c, nil
		case token.IDENT:
			if limit.MatchString(lit) {
				c.limit++
				show(fset.Position(pos), lit)
			}
		case token.COMMENT:
			at := fset.Position(pos)
			for i, line := range strings.Split(lit, "\n") {
				c.lines++
				w := len(where.FindAllString(line, -1))
				c.where += w
				c.ifs += len(ifs.FindAllString(line, -1))
				says := what.MatchString(line)
				if says {
					c.what++
				}
				if w > 0 || says {
					show(token.Position{Filename: at.Filename, Line: at.Line + i}, strings.TrimSpace(line))
				}
			}
		}
	}
}

func main() {
	verbose := flag.Bool("v", false, "print the lines that count against the bounds")
	packages := flag.Bool("p", false, "print the figures of each package")
	flag.Parse()
	roots := flag.Args()
	if len(roots) == 0 {
		roots = []string{"."}
	}
	show := func(pos token.Position, text string) {
		if *verbose {
			fmt.Printf("%s:%d: %s\n", pos.Filename, pos.Line, text)
		}
	}
	var total count
	byPackage := map[string]*count{}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			c, err := measure(path, show)
			total.add(c)
			dir := filepath.Dir(path)
			if byPackage[dir] == nil {
				byPackage[dir] = &count{}
			}
			byPackage[dir].add(c)
			return err
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, "language:", err)
			os.Exit(2)
		}
	}
	if *packages {
		var dirs []string
		for dir := range byPackage {
			dirs = append(dirs, dir)
		}
		sort.Strings(dirs)
		for _, dir := range dirs {
			fmt.Printf("%v  %s\n", byPackage[dir], dir)
		}
	}
	fmt.Printf("%v\n", total)
	if total.lines == 0 {
		fmt.Fprintln(os.Stderr, "language: no comments found")
		os.Exit(1)
	}
	if !total.good() {
		fmt.Fprintf(os.Stderr, "language: the bounds are one \"where\" for %d times \"if\", \"what\" in %d of 1,000 lines, no identifier most*; -v prints the lines\n", ifsPerWhere, whatPerThousand)
		os.Exit(1)
	}
}
