//go:build linux || darwin

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/fibserver"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the code blocks of one language.
func blocks(text, language string) []string {
	var all []string
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		all = append(all, block[1])
	}
	return all
}

// TestReadmeOwnModule runs the README's example of the library in a module of its own, on an in-process broker.
func TestReadmeOwnModule(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	_, text, _ := strings.Cut(readme(t), "## The library\n")
	text, _, _ = strings.Cut(text, "\n## ")
	commands, example := blocks(text, "sh"), blocks(text, "go")
	if len(commands) != 1 || len(example) != 1 {
		t.Fatalf("%d blocks of commands and %d of Go", len(commands), len(example))
	}
	program := fmt.Sprintf(`package main

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
)

func main() {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	if err := example(context.Background(), b.URL()); err != nil {
		log.Fatal(err)
	}
}

func example(ctx context.Context, url string) error {
%s	return nil
}
`, example[0])
	clone, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	run := func(script string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-e", "-c", strings.ReplaceAll(script, "/path/to/this/clone", clone))
		cmd.Dir = folder
		// The sums are this module's own; who has no network has no data base of sums either.
		cmd.Env = append(os.Environ(), "GOSUMDB=off", "GOFLAGS=")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, &stderr)
		}
		return string(out)
	}
	run("go mod init example && " + commands[0])
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run("go mod tidy && go run ."); out != "HELLO\n" {
		t.Errorf("it prints %q", out)
	}
}

// TestReadmeCommands parses each of the README's commands with the program's own flags.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	text := readme(t)
	lines := strings.Split(strings.ReplaceAll(strings.Join(blocks(text, "sh"), ""), "\\\n", " "), "\n")
	for _, inline := range regexp.MustCompile("`((?:rpcscope|fibserver) [^`]+)`").FindAllStringSubmatch(text, -1) {
		lines = append(lines, inline[1])
	}
	known := 0
	for _, line := range lines {
		line = strings.TrimPrefix(line, "go run ./cmd/")
		root := command()
		switch name, _, _ := strings.Cut(line, " "); name {
		case "rpcscope":
		case "fibserver":
			root = fibserver.Command()
		default:
			continue
		}
		known++
		out, err := exec.CommandContext(t.Context(), "sh", "-c", `rpcscope() { printf '%s\0' "$@"; }; fibserver() { rpcscope "$@"; }; `+line).Output()
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		args := arguments(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
		if len(out) == 0 || string(out) == "\x00" {
			args = nil
		}
		cmd, rest, err := root.Find(args)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if known < 15 {
		t.Errorf("only %d commands were found", known)
	}
}
