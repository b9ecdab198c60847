package pool

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestBeside(t *testing.T) {
	root := t.TempDir()
	touch := func(mode os.FileMode, path ...string) {
		t.Helper()
		name := filepath.Join(append([]string{root}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	exe := program + map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]
	touch(0o700, "bin", exe)
	touch(0o700, "a", "cmd", "fibserver", exe)
	touch(0o700, "b", "fibserver", exe) // not below cmd: nobody knows whose it is
	touch(0o700, "c", "fibserver", exe, "folder")
	for dir, want := range map[string]string{
		"bin": filepath.Join("bin", exe), filepath.Join("a", "cmd", "rpcscope"): filepath.Join("a", "cmd", "fibserver", exe),
		filepath.Join("b", "rpcscope"): "", filepath.Join("c", "fibserver"): "", "empty": "",
	} {
		got, ok := beside(filepath.Join(root, dir))
		if ok != (want != "") || ok && got != filepath.Join(root, want) {
			t.Errorf("%s: %q", dir, got)
		}
	}
}

func TestNotFound(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	p := New(Config{})
	_, err := p.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "go install ./cmd/fibserver") || !strings.Contains(err.Error(), "nor is there a go command") {
		t.Error(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBuilds(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(goCommand))
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	t.Chdir(dir)
	p := New(Config{})
	if _, err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "which the working directory is not in") {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"go.mod":                "module rpcscope\n",
		"cmd/fibserver/main.go": "package main\n\nfunc main() { println(\"Awaiting RPC requests\"); <-make(chan int) }\n",
	} {
		_ = os.MkdirAll(filepath.Dir(name), 0o700)
		if err := os.WriteFile(name, []byte(text+strings.Repeat("\n", len(name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Start(ended()); !errors.Is(err, context.Canceled) {
		t.Errorf("a build for nobody: %v", err)
	}
	if err := os.WriteFile("cmd/fibserver/more.go", []byte("package main\n\nvar x int = \"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "which go build failed to do just now") {
		t.Error(err)
	}
	if err := os.Remove("cmd/fibserver/more.go"); err != nil {
		t.Fatal(err)
	}
	s := start(t, p)
	built := p.built
	if _, err := os.Stat(built); built == "" || err != nil {
		t.Errorf("built in %q, %v", built, err)
	}
	if err := p.Kill(s.Name()); err != nil {
		t.Error(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(built); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", built, err)
	}
}
