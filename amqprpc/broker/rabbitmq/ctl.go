package rabbitmq

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Ctl runs rabbitmqctl with these arguments against this node and returns its output without the last line end. It takes
// about half a second. The error of a failed command contains its output. If ctx ends, the command is killed.
func (n *Node) Ctl(ctx context.Context, args ...string) (string, error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("rabbitmqctl %s: %w", strings.Join(args, " "), err)
	}
	select {
	case <-n.closing:
		return fail(ErrClosed)
	default:
	}
	if err := ctx.Err(); err != nil {
		return fail(context.Cause(ctx))
	}
	cmd := exec.Command(n.site.script("rabbitmqctl"), append([]string{"-q", "-n", n.name}, args...)...)
	cmd.Dir = n.dir
	cmd.Env = n.site.env(
		"RABBITMQ_CONF_ENV_FILE="+n.dir+"/rabbitmq-env.conf",
		"RABBITMQ_ENABLED_PLUGINS_FILE="+n.dir+"/enabled_plugins",
		"RABBITMQ_CTL_ERL_ARGS="+distributionOnLoopback,
		// It listens, too, by default on one of only eleven ports; 0 is any port.
		"RABBITMQ_CTL_DIST_PORT_MIN=0", "RABBITMQ_CTL_DIST_PORT_MAX=0",
	)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	p, err := start(cmd, false)
	if err != nil {
		return fail(err)
	}
	if err := p.wait(ctx); err != nil {
		p.kill()
		return fail(err)
	}
	if p.err != nil {
		return fail(fmt.Errorf("%w: %s", p.err, bytes.TrimSpace(append(stderr.Bytes(), stdout.Bytes()...))))
	}
	return strings.TrimRight(stdout.String(), "\n"), nil
}

// RaiseMemoryAlarm raises a memory alarm by a tiny limit: the node stops reading from connections that publish, and sends them
// connection.blocked at their next publish.
func (n *Node) RaiseMemoryAlarm(ctx context.Context) error {
	_, err := n.Ctl(ctx, "set_vm_memory_high_watermark", "0.00001")
	return err
}

// ClearMemoryAlarm sets the limit to its default, 0.4.
func (n *Node) ClearMemoryAlarm(ctx context.Context) error {
	_, err := n.Ctl(ctx, "set_vm_memory_high_watermark", "0.4")
	return err
}

// CloseConnections makes the node close all connections with 320 and this reason.
func (n *Node) CloseConnections(ctx context.Context, reason string) error {
	_, err := n.Ctl(ctx, "close_all_connections", reason)
	return err
}
