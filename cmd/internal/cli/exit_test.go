package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"rpcscope/amqprpc"
)

// A crash is the error of a panic.
type crash string

func (c crash) Error() string      { return string(c) }
func (c crash) StackTrace() []byte { return nil }

// Main escapes the text of an error, and keeps the lines of stacks alone.
func TestMainPrintsErrors(t *testing.T) {
	stack := crash("panic: \x1b[2J\n\ngoroutine 1:\n\tmain.go:1\t+0x5\n")
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("no"), "x: no\n"},
		{errors.New("one\ntwo\n"), "x: one; two\n"},
		{errors.New("a\x1b]0;title\a\r\u202e\xff\u009b\tb é長"), `x: a\x1b]0;title\a\r\u202e\xff\u009b\tb é長` + "\n"},
		{errors.New(`unknown command "amqp://bob:hunter2@h/"`), `x: unknown command "amqp://***@h/"` + "\n"},
		{fmt.Errorf("--x: %w: no", amqprpc.ErrInvalidConfig), "x: --x: no\n"},
		{stack, "x: panic: \\x1b[2J\n\ngoroutine 1:\n\tmain.go:1\\t+0x5\n"},
		{fmt.Errorf("it broke: %w", stack), "x: it broke: panic: \\x1b[2J\n\ngoroutine 1:\n\tmain.go:1\\t+0x5\n"},
	} {
		var stderr bytes.Buffer
		root := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return Fail(FellShort, c.err) }}
		if code := Main(context.Background(), root, nil, &stderr); code != FellShort || stderr.String() != c.want {
			t.Errorf("%q: code %d, %q, want %q", c.err, code, stderr.String(), c.want)
		}
	}
}

// Help and a version that cannot be written have exit code 1.
func TestStdoutCannotBeWritten(t *testing.T) {
	closed, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, args := range []string{"--help", "--version", "help", "help y", "y --help"} {
		var stderr bytes.Buffer
		root := &cobra.Command{Use: "x", Run: func(*cobra.Command, []string) {}}
		root.AddCommand(&cobra.Command{Use: "y", Run: func(*cobra.Command, []string) {}})
		root.SetOut(closed)
		code := Main(context.Background(), root, strings.Fields(args), &stderr)
		if want := "x: write " + closed.Name() + ": file already closed\n"; code != FellShort || stderr.String() != want {
			t.Errorf("x %s: code %d, %q, want %q", args, code, &stderr, want)
		}
	}
}

func TestVersion(t *testing.T) {
	var stdout, stderr bytes.Buffer
	root := &cobra.Command{Use: "x", Run: func(*cobra.Command, []string) { t.Error("it ran") }}
	root.SetOut(&stdout)
	if code := Main(context.Background(), root, []string{"--version"}, &stderr); code != OK || stderr.Len() > 0 {
		t.Errorf("code %d, %q", code, &stderr)
	}
	if want := "x version " + version() + "\n"; stdout.String() != want || version() == "" {
		t.Errorf("%q, want %q", &stdout, want)
	}
}
