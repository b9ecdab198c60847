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

// A site is what the nodes of one cluster share: the folder, the Erlang cookie in it,
// the view of the installation, and the port mapper by which they find each other.
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
	inst, err := locate(cfg)
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

// makeFolder makes the temporary folder, with a path short enough for the Unix sockets
// below it: their addresses end at 104 bytes on some systems.
func makeFolder() (string, error) {
	const pattern, room = "rabbitmq-test-*", 60
	parent := os.TempDir()
	if len(parent) > 104-room {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, pattern)
}

// home is the view of the installation; its sbin holds the scripts.
func (s *site) home() string { return filepath.Join(s.dir, "rabbitmq") }

func (s *site) script(name string) string { return filepath.Join(s.home(), "sbin", name) }

// env is the environment of everything that runs here: nothing is inherited but the
// PATH, so that no setting of the user's own RabbitMQ or Erlang can leak in.
func (s *site) env(more ...string) []string {
	return append([]string{
		"PATH=" + s.inst.path,
		"HOME=" + s.dir,
		"LANG=C.UTF-8",
		fmt.Sprintf("ERL_EPMD_PORT=%d", s.epmdPort),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_CRASH_DUMP=/dev/null",
		// Once ours has gone, with whoever started it, nobody may start another. Here and not among
		// the arguments: nodes and rabbitmqctl run further programs to see that there is one.
		"ERL_ZFLAGS=-start_epmd false",
	}, more...)
}

// startEpmd starts the port mapper in the foreground as our child. What Erlang starts by itself
// where there is none is a daemon that outlives everything.
func (s *site) startEpmd(ctx context.Context) error {
	free, err := freePorts(1)
	if err != nil {
		return err
	}
	s.epmdPort = free[0]

	// With -d -d it says what it does, which is how we know without polling.
	cmd := exec.Command(s.inst.epmd, "-d", "-d")
	if byStdin {
		// epmd does not look at its standard input, so a shell does for it.
		cmd = exec.Command("/bin/sh", "-c", `"$0" -d -d </dev/null & cat >/dev/null; kill $!`, s.inst.epmd)
	}
	cmd.Env, cmd.Dir = s.env(), s.dir
	// A pipe of our own rather than StderrPipe, which loses last words.
	says, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stderr = w
	p, err := start(cmd, true)
	_ = w.Close() // the child has its own
	if err != nil {
		_ = says.Close()
		return fmt.Errorf("start epmd: %w", err)
	}

	listening := make(chan error, 1)
	go watchEpmd(says, listening)
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

// watchEpmd reads what epmd says until its end, and tells once whether it listens.
// Connecting to the port would not tell: somebody else's epmd may be there.
func watchEpmd(says io.ReadCloser, listening chan<- error) {
	defer says.Close()
	up, last := false, ""
	for lines := bufio.NewScanner(says); lines.Scan(); {
		last = lines.Text()
		if !up && strings.Contains(last, "select() loop") { // its last words before it serves
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
