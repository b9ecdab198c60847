package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	program = "fibserver"
	module  = "rpcscope"
)

// command finds what to run, once. It blocks while fibserver is being built.
func (p *Pool) command(ctx context.Context) ([]string, error) {
	select {
	case p.finding <- struct{}{}:
		defer func() { <-p.finding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p.closing.Err() != nil {
		return nil, ErrClosed
	}
	if p.found != nil {
		return p.found, nil
	}
	found := p.config.Command
	if len(found) == 0 {
		path, err := p.findProgram(ctx)
		if err != nil {
			return nil, err
		}
		found = []string{path}
	}
	// Readers of p.found hold the other mutex.
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = found
	return found, nil
}

func (p *Pool) findProgram(ctx context.Context) (string, error) {
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		if path, ok := beside(filepath.Dir(exe)); ok {
			return path, nil
		}
	}
	if path, err := exec.LookPath(program); err == nil {
		// An absolute path, as the working directory may change before a restart.
		return filepath.Abs(path)
	}
	path, err := p.build(ctx)
	if err != nil {
		return "", fmt.Errorf("%s is neither beside this program nor on PATH; build it with `go build -o DIR ./cmd/...` or `go install ./cmd/%s` in the module %s (%w)",
			program, program, module, err)
	}
	return path, nil
}

// beside looks in the folder of this program, where `go build -o bin ./cmd/...` and
// `go install` put both. `go build` in each folder of cmd puts them side by side; it
// looks there only, as nobody knows who can write beside any other folder.
func beside(dir string) (string, bool) {
	paths := []string{filepath.Join(dir, program)}
	if parent, own := filepath.Split(dir); own == module && filepath.Base(parent) == "cmd" {
		paths = append(paths, filepath.Join(parent, program, program))
	}
	for _, path := range paths {
		// LookPath checks that it is a file that can be executed, and adds .exe where that is due.
		if path, err := exec.LookPath(path); err == nil {
			return path, true
		}
	}
	return "", false
}

// build is for `go run ./cmd/rpcscope`, whose executable has nothing beside it.
func (p *Pool) build(ctx context.Context) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.closing, cancel)()

	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("nor is there a go command to build it here")
	}
	switch name, err := exec.CommandContext(ctx, "go", "list", "-m").Output(); {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil || strings.TrimSpace(string(name)) != module:
		return "", errors.New("which the working directory is not in")
	}
	dir, err := os.MkdirTemp("", module+"-")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), module+"/cmd/"+program)
	said, err := cmd.CombinedOutput()
	path, there := beside(dir)
	if err == nil && there {
		p.built = dir
		return path, nil
	}
	_ = os.RemoveAll(dir)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	said = bytes.TrimSpace(said[:min(len(said), maxQuoted)])
	return "", fmt.Errorf("which go build failed to do just now: %q", said)
}
