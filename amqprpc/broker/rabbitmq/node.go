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
	// ErrNotRunning is returned for what needs a running node.
	ErrNotRunning = errors.New("the RabbitMQ node is not running")
	// ErrRunning is returned when a node that runs is to be started.
	ErrRunning = errors.New("the RabbitMQ node is running")
)

// A Node is a private RabbitMQ node. Its ports and its data stay the same from
// [Start] to [Node.Close], however often it is stopped and started in between.
type Node struct {
	cfg     Config
	site    *site
	ownSite bool // the site ends with this node
	ports   ports
	name    string // Erlang's name of it
	dir     string

	starting chan struct{} // holds one token while a start or an orderly stop is under way
	closing  chan struct{} // closed by Close

	mu      sync.Mutex
	process *process // the last one started, nil before the first
	closed  bool
}

// Start starts a new node and returns it once it is ready. It is for the caller to
// close. Without RabbitMQ on the machine the error wraps [ErrNotInstalled]; the error of a
// server that ends during its boot holds its last words.
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

// startNode starts a node on free ports, and on others should one of them turn out to be
// taken in the end: RabbitMQ opens its listeners last. It joins the
// cluster of the named peers.
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

// Start starts the node again after [Node.Stop], [Node.Kill] or a crash, on the same
// ports and data, and returns once it is ready. It returns [ErrRunning] if there is
// nothing to do and [ErrClosed] after or during [Node.Close].
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
	if n.closed { // between the last look at ctx and now
		p.kill()
		return ErrClosed
	}
	n.process = p
	return nil
}

// begin makes this the only start or orderly stop until end.
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

// Stop shuts the node down in good order (SIGTERM: clients get a connection.close with
// 320, data is kept) and returns once it has ended, about a second later. It
// thaws a frozen node and does nothing to one that does not run. If the context ends
// first it returns the context's error, and the node is still on its way down.
func (n *Node) Stop(ctx context.Context) error {
	if err := n.begin(ctx); err != nil {
		return err
	}
	defer n.end()
	p := n.current()
	if !p.alive() {
		return nil
	}
	// Only to the server: its helpers end with it.
	if err := p.cmd.Process.Signal(sigTerm); err != nil && p.alive() {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	_ = p.signal(sigThaw) // frozen, it would not see the other one
	if err := p.wait(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	return nil
}

// Kill ends the node at once, as kill -9 does, and returns when it has ended. It does
// nothing to a node that does not run.
func (n *Node) Kill() { n.current().kill() }

// Freeze stops the whole node from running (SIGSTOP), with all its connections open:
// to a client it looks like a network that swallows everything. On Linux it returns when
// the node stands still, a few seconds on a busy machine; elsewhere, when it has been told to.
func (n *Node) Freeze() error {
	if err := n.signal("freeze", sigFreeze); err != nil {
		return err
	}
	if err := n.current().stopped(); err != nil {
		return fmt.Errorf("freeze %s: %w", n.name, err)
	}
	return nil
}

// Thaw lets a frozen node run on.
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

// Close kills the node and, unless it is one of a [Cluster], ends its epmd and removes
// its folder. It may be called in any state, also while a Start is under way,
// and more than once.
func (n *Node) Close() error {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		close(n.closing)
	}
	p := n.process
	n.mu.Unlock()
	p.kill()
	// A start that was under way has given up, an orderly stop is over.
	n.starting <- struct{}{}
	defer n.end()
	if !n.ownSite {
		return nil
	}
	return n.site.close()
}

// Running says whether the node's process runs, frozen or not.
func (n *Node) Running() bool { return n.current().alive() }

// PID returns the process ID of the server, 0 while it does not run.
func (n *Node) PID() int {
	if p := n.current(); p.alive() {
		return p.pid()
	}
	return 0
}

// Name returns Erlang's name of the node, such as n20123@localhost.
func (n *Node) Name() string { return n.name }

// Product returns "RabbitMQ", as the server calls itself.
func (n *Node) Product() string { return "RabbitMQ" }

// Version returns the version of RabbitMQ, such as "3.10.8".
func (n *Node) Version() string { return n.site.inst.version }

// URL returns where clients connect: amqp://guest:guest@127.0.0.1:PORT/.
func (n *Node) URL() string {
	return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", n.ports.amqp)
}

// TLSURL returns where clients connect with TLS, "" without [Config.TLS].
func (n *Node) TLSURL() string {
	if n.cfg.TLS == nil {
		return ""
	}
	return fmt.Sprintf("amqps://guest:guest@127.0.0.1:%d/", n.ports.tls)
}
