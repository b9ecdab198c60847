package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// boot starts the server on the node's ports and data, and returns its process once
// it is ready. After an error nothing of it is left running.
func (n *Node) boot(ctx context.Context) (*process, error) {
	timeout := n.cfg.bootTimeout()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it is not ready after %v", timeout))
	defer cancel()

	socket := filepath.Join(n.dir, "notify")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	defer notify.Close() // also ends awaitReady

	// A file rather than a pipe: nothing has to read it, and nobody loses the end of it.
	log, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	cmd := exec.Command(n.site.script("rabbitmq-server"))
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = n.env(socket), n.dir, log, log
	p, err := start(cmd, true)
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", n.name, err)
	}
	ready := make(chan struct{})
	go awaitReady(notify, ready)
	select {
	case <-ready:
		return p, nil
	case <-p.exited:
		err = fmt.Errorf("it ended: %v", p.cmd.ProcessState)
		if portTaken(n.LogTail()) {
			err = fmt.Errorf("%w: %w", errPortTaken, err)
		}
	case <-ctx.Done():
		p.kill()
		err = context.Cause(ctx)
	}
	return nil, fmt.Errorf("boot %s: %w; its last words:\n%s", n.name, err, n.LogTail())
}

// awaitReady reads the messages that systemd would get (sd_notify(3)) until the one
// that says that the server is ready, or until the socket is closed.
func awaitReady(notify *net.UnixConn, ready chan<- struct{}) {
	buf := make([]byte, 4096)
	for {
		k, err := notify.Read(buf)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(buf[:k])) {
			if strings.TrimSpace(line) == "READY=1" {
				close(ready)
				return
			}
		}
	}
}

// portTaken recognises how a listener and the distribution say it.
func portTaken(log string) bool {
	return strings.Contains(log, "eaddrinuse") || strings.Contains(log, "dist_port_already_used") ||
		strings.Contains(log, "could not bind to distribution port")
}

// env is the environment of the server. NOTIFY_SOCKET also makes its script exec the
// server, so that the child is the server itself and not a shell around it.
func (n *Node) env(notify string) []string {
	in := func(name string) string { return filepath.Join(n.dir, name) }
	env := n.site.env(
		"RABBITMQ_NODENAME="+n.name,
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", n.ports.dist),
		"RABBITMQ_MNESIA_BASE="+in("data"),
		"RABBITMQ_LOG_BASE="+in("log"),
		"RABBITMQ_CONFIG_FILE="+in("rabbitmq.conf"),
		"RABBITMQ_CONF_ENV_FILE="+in("rabbitmq-env.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE="+in("enabled_plugins"),
		"RABBITMQ_PID_FILE="+in("pid"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+distributionOnLoopback,
		"NOTIFY_SOCKET="+notify,
	)
	if byStdin {
		env = append(env, "RABBITMQ_ALLOW_INPUT=true") // and so it ends when its standard input does
	}
	return env
}

// distributionOnLoopback keeps Erlang's own listeners, which would be on all addresses,
// on the one that everything else here uses.
const distributionOnLoopback = "-kernel inet_dist_use_interface {127,0,0,1}"

// writeFiles writes what the server reads at its boot.
func (n *Node) writeFiles(peers []string) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	for name, content := range map[string]string{
		"rabbitmq.conf":     n.cfg.rabbitmqConf(n.name, n.ports, peers),
		"rabbitmq-env.conf": "", // there, so that the machine's own in /etc is not read
		"enabled_plugins":   n.cfg.enabledPlugins(),
	} {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) logFile() string { return filepath.Join(n.dir, "output") }

// LogTail returns the last few kilobytes of what the server has printed and logged
// (at level warning and above) since it was last started, for a failed test to show.
func (n *Node) LogTail() string {
	const most = 8 << 10 // 4.3 says that much about a setting that is none
	f, err := os.Open(n.logFile())
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-most), io.SeekStart)
	}
	tail, _ := io.ReadAll(io.LimitReader(f, 2*most))
	return strings.TrimSpace(string(tail))
}
