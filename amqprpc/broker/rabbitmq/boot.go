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

// boot starts the server and returns its process once it is ready. After an error no process is left.
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

	// A file, since a pipe needs a reader and may lose the last output.
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
	return nil, fmt.Errorf("boot %s: %w; its last output:\n%s", n.name, err, n.LogTail())
}

// awaitReady reads messages for systemd (sd_notify(3)) until the server is ready or the socket is closed.
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

// portTaken reports whether the log has the error of a listener or of the distribution for a port in use.
func portTaken(log string) bool {
	return strings.Contains(log, "eaddrinuse") || strings.Contains(log, "dist_port_already_used") ||
		strings.Contains(log, "could not bind to distribution port")
}

// env returns the environment of the server. NOTIFY_SOCKET also makes the script exec the server, so that the child
// is the server and not a shell.
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
		env = append(env, "RABBITMQ_ALLOW_INPUT=true") // it ends at the end of its standard input
	}
	return env
}

// distributionOnLoopback makes Erlang's own listeners use 127.0.0.1 instead of all addresses.
const distributionOnLoopback = "-kernel inet_dist_use_interface {127,0,0,1}"

// writeFiles writes the server's configuration.
func (n *Node) writeFiles(peers []string) error {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	for name, content := range map[string]string{
		"rabbitmq.conf":     n.cfg.rabbitmqConf(n.name, n.ports, peers),
		"rabbitmq-env.conf": "", // instead of the one in /etc
		"enabled_plugins":   n.cfg.enabledPlugins(),
	} {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) logFile() string { return filepath.Join(n.dir, "output") }

// LogTail returns the last few kilobytes of the server's output and log (from level warning) since its last start.
func (n *Node) LogTail() string {
	const max = 8 << 10 // 4.3 writes that much about an unknown setting
	f, err := os.Open(n.logFile())
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(-min(size, max), io.SeekEnd)
	}
	tail, _ := io.ReadAll(io.LimitReader(f, 2*max))
	return strings.TrimSpace(string(tail))
}
