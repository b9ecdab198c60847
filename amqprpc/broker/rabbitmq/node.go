package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
)

var (
	// ErrClosed is returned for a node that has been closed.
	ErrClosed = errors.New("the RabbitMQ node is closed")
	// ErrNotRunning is returned by methods that need a running node.
	ErrNotRunning = errors.New("the RabbitMQ node is not running")
	// ErrRunning is returned by Start of a running node.
	ErrRunning = errors.New("the RabbitMQ node is running")
)

// A Node is a private RabbitMQ node. It keeps its ports and data until [Node.Close], also when it is stopped and started.
type Node struct {
	cfg     Config
	site    *site
	ownSite bool // Close closes the site
	ports   ports
	name    string // in Erlang
	dir     string

	starting chan struct{} // holds a token during a Start or Stop
	closing  chan struct{} // closed by Close

	mu      sync.Mutex
	process *process // the last one started, nil before the first
	closed  bool
}

// Start starts a new node and returns it once it is ready. The caller must close it. If no RabbitMQ is installed, the error wraps
// [ErrNotInstalled]. If the server ends during its boot, the error contains its last output.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	s, err := newSite(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start a RabbitMQ node: %w", err)
	}
	n, err := s.startNode(ctx, cfg, nil)
	if err != nil {
		_ = s.close() // the first error tells more
		return nil, fmt.Errorf("start a RabbitMQ node: %w", err)
	}
	n.ownSite = true
	return n, nil
}

// startNode starts a node, which joins the cluster of peers, if any. RabbitMQ opens its listeners at the end of the boot: if a port
// is in use by then, startNode tries others.
func (s *site) startNode(ctx context.Context, cfg Config, peers []string) (*Node, error) {
	var err error
	for range portAttempts {
		var p ports
		if p, err = choosePorts(); err != nil {
			return nil, err
		}
		name := fmt.Sprintf("n%d@localhost", p.amqp)
		n := &Node{
			cfg: cfg, site: s, ports: p, name: name, dir: filepath.Join(s.dir, fmt.Sprint(p.amqp)),
			starting: make(chan struct{}, 1), closing: make(chan struct{}),
		}
		if err := n.writeFiles(peers); err != nil {
			return nil, err
		}
		if err = n.Start(ctx); err == nil {
			return n, nil
		}
		if !errors.Is(err, errPortTaken) {
			return nil, err
		}
	}
	return nil, err
}

// Start starts the node again after [Node.Stop], [Node.Kill] or a crash and returns once it is ready. It returns [ErrRunning] if
// the node runs, and [ErrClosed] after or during [Node.Close].
func (n *Node) Start(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := n.begin(ctx); err != nil {
		return err
	}
	defer n.end()
	if n.current().alive() {
		return ErrRunning
	}
	watching := make(chan struct{})
	defer close(watching)
	go func() {
		select {
		case <-n.closing:
			cancel(ErrClosed)
		case <-watching:
		}
	}()
	p, err := n.boot(ctx)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed { // since boot returned
		p.kill()
		return ErrClosed
	}
	n.process = p
	return nil
}

// begin waits for another Start or Stop, and keeps others waiting until end.
func (n *Node) begin(ctx context.Context) error {
	select {
	case <-n.closing:
		return ErrClosed
	default:
	}
	select {
	case n.starting <- struct{}{}:
		return nil
	case <-n.closing:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *Node) end() { <-n.starting }

func (n *Node) current() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// Stop shuts the node down in good order (SIGTERM: clients get connection.close with 320, data is kept) and returns once it has
// ended, about a second later. It thaws a frozen node and does nothing to one that does not run. If the context ends first,
// Stop returns its error, and the node still shuts down.
func (n *Node) Stop(ctx context.Context) error {
	if err := n.begin(ctx); err != nil {
		return err
	}
	defer n.end()
	p := n.current()
	if !p.alive() {
		return nil
	}
	// Only the server gets it. Its helpers end with it.
	if err := p.cmd.Process.Signal(sigTerm); err != nil && p.alive() {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	_ = p.signal(sigThaw) // a frozen process ignores SIGTERM
	if err := p.wait(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	return nil
}

// Kill ends the node as kill -9 does and returns when it has ended. It does nothing to a node that does not run.
func (n *Node) Kill() { n.current().kill() }

// Freeze stops the node's processes (SIGSTOP). Its connections stay open: to a client it looks like a network that drops everything.
// On Linux it returns when the node has stopped, which takes seconds on a busy machine; on other systems it does not wait.
func (n *Node) Freeze() error {
	if err := n.signal("freeze", sigFreeze); err != nil {
		return err
	}
	if err := n.current().stopped(); err != nil {
		return fmt.Errorf("freeze %s: %w", n.name, err)
	}
	return nil
}

// Thaw ends Freeze.
func (n *Node) Thaw() error { return n.signal("thaw", sigThaw) }

func (n *Node) signal(what string, sig syscall.Signal) error {
	p := n.current()
	if !p.alive() {
		return fmt.Errorf("%s %s: %w", what, n.name, ErrNotRunning)
	}
	if err := p.signal(sig); err != nil {
		return fmt.Errorf("%s %s: %w", what, n.name, err)
	}
	return nil
}

// Close kills the node and, unless it belongs to a [Cluster], ends its epmd and removes its folder. It may be called in any state,
// also during Start, and more than once.
func (n *Node) Close() error {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		close(n.closing)
	}
	p := n.process
	n.mu.Unlock()
	p.kill()
	// Wait for a Start or Stop, which ends now.
	n.starting <- struct{}{}
	defer n.end()
	if !n.ownSite {
		return nil
	}
	return n.site.close()
}

// Running reports whether the node's process runs, frozen or not.
func (n *Node) Running() bool { return n.current().alive() }

// PID returns the process ID of the server, or 0 if it does not run.
func (n *Node) PID() int {
	if p := n.current(); p.alive() {
		return p.pid()
	}
	return 0
}

// Name returns the node's name in Erlang, such as n20123@localhost.
func (n *Node) Name() string { return n.name }

// Product returns "RabbitMQ".
func (n *Node) Product() string { return "RabbitMQ" }

// Version returns the version of RabbitMQ, such as "3.10.8".
func (n *Node) Version() string { return n.site.inst.version }

// URL returns the address for clients: amqp://guest:guest@127.0.0.1:PORT/.
func (n *Node) URL() string {
	return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", n.ports.amqp)
}

// TLSURL returns the address for clients with TLS, or "" without [Config.TLS].
func (n *Node) TLSURL() string {
	if n.cfg.TLS == nil {
		return ""
	}
	return fmt.Sprintf("amqps://guest:guest@127.0.0.1:%d/", n.ports.tls)
}
