package rabbitmq

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A site is shared by the nodes of a cluster: the folder with the Erlang cookie and links to the installation, and the port
// mapper by which they find each other.
type site struct {
	inst     *installation
	dir      string // also $HOME of everything that runs here
	epmd     *process
	epmdPort int

	closeOnce sync.Once
	closeErr  error
}

func newSite(ctx context.Context, cfg Config) (_ *site, err error) {
	if err := supported(); err != nil {
		return nil, err
	}
	inst, err := locate()
	if err != nil {
		return nil, err
	}
	dir, err := makeFolder()
	if err != nil {
		return nil, err
	}
	s := &site{inst: inst, dir: dir}
	defer func() {
		if err != nil {
			_ = s.close() // the first error tells more
		}
	}()
	cookie := filepath.Join(dir, ".erlang.cookie")
	// Erlang refuses a cookie that others may read.
	if err := os.WriteFile(cookie, []byte(rand.Text()), 0o400); err != nil {
		return nil, err
	}
	if err := inst.mirror(s.home(), cfg.Plugins); err != nil {
		return nil, err
	}
	for range portAttempts {
		if err = s.startEpmd(ctx); !errors.Is(err, errPortTaken) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// makeFolder makes the temporary folder. Its path is short enough for Unix sockets in it: some systems limit their addresses to
// 104 bytes.
func makeFolder() (string, error) {
	const pattern, room = "rabbitmq-test-*", 60
	parent := os.TempDir()
	if len(parent) > 104-room {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, pattern)
}

// home returns the folder with links to the installation.
func (s *site) home() string { return filepath.Join(s.dir, "rabbitmq") }

func (s *site) script(name string) string { return filepath.Join(s.home(), "sbin", name) }

// env returns the environment of all processes. Only the PATH is inherited, so that settings of the user's own RabbitMQ or Erlang
// do not matter.
func (s *site) env(more ...string) []string {
	return append([]string{
		"PATH=" + s.inst.path,
		"HOME=" + s.dir,
		"LANG=C.UTF-8",
		fmt.Sprintf("ERL_EPMD_PORT=%d", s.epmdPort),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_CRASH_DUMP=/dev/null",
		// Nobody may start another epmd after ours has ended. An argument would not do: nodes and rabbitmqctl run further
		// programs that start one.
		"ERL_ZFLAGS=-start_epmd false",
	}, more...)
}

// startEpmd starts the port mapper as a child. If there is none, Erlang starts a daemon that would outlive this process.
func (s *site) startEpmd(ctx context.Context) error {
	free, err := freePorts(1)
	if err != nil {
		return err
	}
	s.epmdPort = free[0]

	// With -d -d it logs that it listens.
	cmd := exec.Command(s.inst.epmd, "-d", "-d")
	if byStdin {
		// epmd ignores its standard input, so a shell reads it.
		cmd = exec.Command("/bin/sh", "-c", `"$0" -d -d </dev/null & cat >/dev/null; kill $!`, s.inst.epmd)
	}
	cmd.Env, cmd.Dir = s.env(), s.dir
	// StderrPipe may lose the last output.
	output, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stderr = w
	p, err := start(cmd, true)
	_ = w.Close() // the child has a copy
	if err != nil {
		_ = output.Close()
		return fmt.Errorf("start epmd: %w", err)
	}

	listening := make(chan error, 1)
	go watchEpmd(output, listening)
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("it does not listen after 10s"))
	defer cancel()
	select {
	case err = <-listening:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("start epmd on port %d: %w", s.epmdPort, err)
	}
	s.epmd = p
	return nil
}

// watchEpmd reads epmd's output until its end, and sends one result: nil if it listens. Connecting to the port would not
// show that, since it could be another epmd.
func watchEpmd(output io.ReadCloser, listening chan<- error) {
	defer output.Close()
	up, last := false, ""
	for lines := bufio.NewScanner(output); lines.Scan(); {
		last = lines.Text()
		if !up && strings.Contains(last, "select() loop") { // its last line before it serves
			up = true
			listening <- nil
		}
	}
	switch {
	case up:
	case strings.Contains(last, "already a epmd running"), strings.Contains(last, "in use"):
		listening <- errPortTaken
	default:
		listening <- fmt.Errorf("it ended: %s", last)
	}
}

// close ends epmd and removes the folder. The nodes must have ended.
func (s *site) close() error {
	s.closeOnce.Do(func() {
		if s.epmd != nil {
			s.epmd.kill()
		}
		s.closeErr = os.RemoveAll(s.dir)
	})
	return s.closeErr
}
