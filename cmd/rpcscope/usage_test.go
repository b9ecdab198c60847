package main

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcscope/cmd/internal/cli"
	"rpcscope/cmd/internal/fibserver"
)

// Usage errors are in plain words and suggest a similar name.
func TestUsageTexts(t *testing.T) {
	for args, want := range map[string]string{
		"laod":                         `there is no command "laod"; did you mean load?`,
		"help relpay":                  `there is no command "relpay"; did you mean replay?`,
		"help load x":                  `unexpected argument "x": load takes only flags`,
		"nonsense":                     `there is no command "nonsense"`,
		"fibserve":                     `there is no command "fibserve"`, // is hidden
		"load 30":                      `unexpected argument "30": load takes only flags`,
		"load --ulr x":                 "there is no flag \"ulr\"; did you mean --url?",
		"load -url=x":                  "there is no flag \"url\"; did you mean --url?",
		"load -count 5":                "there is no flag -count; did you mean --count?",
		"load --max-fail 1":            "there is no flag \"max-fail\"; did you mean --max-failed?",
		"load --concurency 1":          "there is no flag \"concurency\"; did you mean --concurrency?",
		"scale --ratio 1":              "there is no flag \"ratio\"", // --rate is hidden
		"load -t 5":                    "there is no flag \"t\"",
		"load --=5":                    `"--=5" is not a flag`,
		"load -c":                      "-c needs a value",
		"load --timeout":               "--timeout needs a value",
		"load --timeout 5":             `--timeout "5" is not a duration such as 500ms, 5s or 1m`,
		"load --timeout 5x":            `--timeout "5x" is not a duration such as 500ms, 5s or 1m`,
		"load -n 5x":                   `-n "5x" is not a whole number of at most 18 digits`,
		"load -n 99999999999999999999": `-n "99999999999999999999" is not a whole number of at most 18 digits`,
		"load --seed -1":               `--seed "-1" is not a whole number from 0 up, of at most 19 digits`,
		"load --rate fast":             `--rate "fast" is not a number`,
		"load --json=perhaps":          `--json "perhaps" is not true or false`,
		"scale --servers 1;2":          `--servers "1;2" is not a list of whole numbers such as 1,2,4`,
		"load --fib 30-20":             `--fib "30-20" is a reversed range: write 20-30`,
		"load --fib 30-":               `--fib "30-" is neither a number nor a range such as 20-35, from 0 to 1000000`,
		"load --fib 5000000":           `--fib "5000000" is not within 0 to 1000000`,
		"load --body {n:5-1}":          `--body: "{n:5-1}" is a reversed range: write {n:1-5}`,
		"load --body x --expect (":     `--expect is not a regular expression: missing closing ): "("`,
		"broker --listen x":            `--listen "x" is not an address such as 127.0.0.1:5672: missing port in address`,
		"broker --listen 127.0.0.1:x":  `--listen "127.0.0.1:x" is not an address such as 127.0.0.1:5672: unknown port`,
		"call":                         "call needs an N, such as 30",
		"call 1.5":                     `"1.5" is not a whole number`,
		"replay":                       "replay needs the FILE of a recording",
		"replay a b":                   "replay takes one FILE, and there are 2",
		"fibserver x":                  `unexpected argument "x": fibserver takes only flags`,
		"fibserver --algorithm x":      `--algorithm: unknown algorithm "x": it is one of recursive, iterative, doubling`,
		"fibserver --queue-type x":     `--queue-type: queue type "x" is none of auto, quorum, classic, transient`,
		"fibserver --max-n -1":         "--max-n -1 is negative",
		"fibserver --fault drop=2":     `--fault: fault drop: "2" is not a probability: it must be a number from 0 to 1`,
		"fibserver --algoritm x":       "there is no flag \"algoritm\"; did you mean --algorithm?",
		"hlep":                         `there is no command "hlep"; did you mean help?`,
		"broker --user=":               "--user is empty",
		"fibserver --name=":            "--name is empty",
		"fibserver --counter=":         "--counter is empty",
		"load --tls-ca=":               "--tls-ca is empty",
		"load --record=":               "--record is empty",
		"scale --servers 1,2,1":        "--servers has 1 twice",
		"replay x --json --paused":     "--speed and --paused are for the screen; --json and --summary do not play",
		"replay x --summary --speed 3": "--speed and --paused are for the screen; --json and --summary do not play",
		"fibserver --counter .":        "--counter: open .: is a directory",
		"fibserver --counter no/x":     "--counter: open no/x: no such file or directory",
		"fibserver --counter main.go":  "--counter: main.go is not the file of a counter",
	} {
		var stderr strings.Builder
		root := command()
		root.SetOut(&stderr)
		code := cli.Main(context.Background(), root, strings.Fields(args), &stderr)
		if first, _, _ := strings.Cut(stderr.String(), "\n"); code != cli.Usage || first != "rpcscope: "+want {
			t.Errorf("rpcscope %s: exit code %d, %q, want %q", args, code, first, want)
		}
		if strings.Contains(stderr.String(), "Try 'rpcscope help") {
			t.Errorf("rpcscope %s advises help about help: %s", args, &stderr)
		}
	}
}

// No usage error of any flag has the words of a library.
func TestUsageIsPlain(t *testing.T) {
	roots := []func() *cobra.Command{command, fibserver.Command}
	var paths [][]string
	for i, root := range roots {
		paths = append(paths, []string{})
		for _, c := range root().Commands() {
			paths = append(paths, []string{c.Name()})
		}
		for _, path := range paths {
			cmd, _, err := root().Find(path)
			if err != nil {
				t.Fatal(err)
			}
			cmd.InheritedFlags() // adds --help
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				bad := [][]string{{"--" + f.Name + "=no such: value"}}
				if f.NoOptDefVal == "" {
					bad = append(bad, []string{"--" + f.Name})
				}
				for k, args := range bad {
					if k == 0 && strings.HasPrefix(f.Value.Type(), "string") {
						continue // any string is valid
					}
					var stderr strings.Builder
					code := cli.Main(context.Background(), root(), append(path, args...), &stderr)
					if code != cli.Usage || !strings.Contains(stderr.String(), f.Name) && !strings.Contains(stderr.String(), "-"+f.Shorthand+" ") {
						t.Errorf("%d %q: exit code %d, %s", i, append(path, args...), code, &stderr)
					}
					for _, word := range []string{"strconv", "invalid", "arg(s)", "time:", "flag needs an", "shorthand", "parsing", "syntax"} {
						if strings.Contains(stderr.String(), word) {
							t.Errorf("%q says %q: %s", append(path, args...), word, &stderr)
						}
					}
				}
			})
		}
		paths = nil
	}
}
