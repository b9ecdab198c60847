package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

var (
	// ErrClosed is returned by methods that would start a process in a closed pool.
	ErrClosed = errors.New("the pool is closed")
	// ErrUnknown is returned for a name that no server of the pool has.
	ErrUnknown = errors.New("no such server")
	// ErrNotRunning is returned by Kill if the server has no process.
	ErrNotRunning = errors.New("not running")
	// ErrRunning is returned by Remove if the server has a process.
	ErrRunning = errors.New("still running")
)

// ReadyLine is the text that a server's ready line contains.
const ReadyLine = "Awaiting RPC requests"

// A Config configures a [Pool]. Command is required.
type Config struct {
	// Command is the program and its first arguments.
	Command []string
	// Args follow Command, before a server's own arguments and --name NAME.
	Args []string
	// URL is the broker's. Servers get it as AMQP_URL; if empty, they inherit the variable.
	URL string
	// Env has "KEY=value" entries on top of this program's environment.
	Env []string
	// NamePrefix comes before the number in a server's name. The default is "fib-".
	NamePrefix string

	// Output, if set, is called with each line of a server's stdout and stderr. Escape a
	// line before you show it.
	Output func(server, line string)
	// OnExit, if set, is called each time a process has ended, after the last of its output.
	OnExit func(Status)

	// RestartOnExit restarts servers that crash, after a short delay.
	RestartOnExit bool
}

// A Pool is a set of server processes. Create one with [New] and close it.
type Pool struct {
	config  Config
	closing chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	last    int // the number in the newest name
	servers []*Process

	running sync.WaitGroup // Go is called with mu held and closed false
}

// New returns a pool without processes.
func New(c Config) *Pool {
	c.NamePrefix = cmp.Or(c.NamePrefix, "fib-")
	return &Pool{config: c, closing: make(chan struct{})}
}

// Start starts one more server and waits until it is ready. It fails if the server ends
// before that, with the last lines of its output in the error, or if ctx ends. The server is
// removed then. A server without a broker waits for one forever: set a deadline.
func (p *Pool) Start(ctx context.Context, args ...string) (*Process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.last++
	name := fmt.Sprintf("%s%d", p.config.NamePrefix, p.last)
	s := &Process{pool: p, status: Status{Name: name, AppID: name + nameSuffix(), Args: slices.Clone(args)}}
	p.servers = append(p.servers, s)
	r, err := s.launchLocked()
	p.mu.Unlock()

	if err == nil {
		err = s.waitReady(ctx, r)
	}
	if err != nil {
		_ = p.Remove(name) // fails if another goroutine has restarted it
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return s, nil
}

// Stop sends a server SIGTERM, which asks it to finish its work, and waits until it has ended.
// If ctx ends first, Stop kills the server and returns an error. A server without a process is
// no error, but RestartOnExit does not restart it any more.
func (p *Pool) Stop(ctx context.Context, name string) error {
	s, err := p.find(name)
	if err != nil {
		return err
	}
	return s.stop(ctx)
}

// Kill kills a server as kill -9 does, and waits until it is gone. RestartOnExit does not
// restart it.
func (p *Pool) Kill(name string) error {
	s, err := p.find(name)
	if err != nil {
		return err
	}
	r := s.end(nil, Killed)
	if r == nil {
		return fmt.Errorf("%s: %w", name, ErrNotRunning)
	}
	<-r.exited
	return nil
}

// Restart stops a server as [Pool.Stop] does and starts it again with the same name and
// arguments. It waits as [Pool.Start] does, but keeps a server that fails to start.
func (p *Pool) Restart(ctx context.Context, name string) error {
	s, err := p.find(name)
	if err != nil {
		return err
	}
	if err := s.stop(ctx); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	p.mu.Lock()
	r, err := s.launchLocked()
	p.mu.Unlock()
	if err == nil {
		err = s.waitReady(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("restart %s: %w", name, err)
	}
	return nil
}

// Remove removes a server without a process from the list.
func (p *Pool) Remove(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.index(name)
	if i < 0 {
		return fmt.Errorf("%s: %w", name, ErrUnknown)
	}
	if p.servers[i].alive() {
		return fmt.Errorf("%s: %w", name, ErrRunning)
	}
	p.servers[i].cancelRestart()
	p.servers = slices.Delete(p.servers, i, i+1)
	return nil
}

// List returns the status of all servers in the order in which they were started.
func (p *Pool) List() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Status, len(p.servers))
	for i, s := range p.servers {
		list[i] = s.status
	}
	return list
}

// Close stops all servers at once, as [Pool.Stop] does, and waits until they have ended. Its
// error names those that were killed because ctx ended first. Set a deadline: a server that
// works on a long request finishes it.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	servers := slices.Clone(p.servers)
	p.mu.Unlock()

	errs := make([]error, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() { errs[i] = s.stop(ctx) })
	}
	all.Wait()
	p.running.Wait()
	return errors.Join(errs...)
}

func (p *Pool) find(name string) (*Process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.index(name); i >= 0 {
		return p.servers[i], nil
	}
	return nil, fmt.Errorf("%s: %w", name, ErrUnknown)
}

func (p *Pool) index(name string) int {
	return slices.IndexFunc(p.servers, func(s *Process) bool { return s.status.Name == name })
}
