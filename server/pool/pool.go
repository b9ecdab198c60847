package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

var (
	// ErrClosed is returned by all methods of a closed pool that would start something.
	ErrClosed = errors.New("the pool is closed")
	// ErrUnknown is returned for a name that the pool has not given.
	ErrUnknown = errors.New("no such server")
	// ErrNotRunning is returned by Kill where there is nothing to kill.
	ErrNotRunning = errors.New("not running")
	// ErrRunning is returned where a server would have been started twice, or removed
	// while it runs.
	ErrRunning = errors.New("still running")
)

// Config configures a [Pool]. All but Command is optional.
type Config struct {
	// Command is the program and its first arguments.
	Command []string
	// Args are further arguments for each server, before its own and `--name NAME`.
	Args []string
	// URL is the broker's, given to each server as AMQP_URL. Empty: what is in the
	// environment.
	URL string
	// Env are further "KEY=value" entries on top of this program's environment.
	Env []string
	// Ready is in the line, on stdout or stderr, by which a server says that it
	// consumes. Empty means "Awaiting RPC requests".
	Ready string
	// NamePrefix comes before the number in a server's name. Empty means "fib-".
	NamePrefix string

	// Output, where not nil, is given the lines that servers write, without their
	// ends, cut at 4,096 bytes. Escape them before they are shown. Calls for one
	// server come one after the other.
	Output func(server, line string)
	// OnExit, where not nil, is told of each end of a process, asked for or not, ready or
	// not, after the last of its output. Status.State says how it ended.
	OnExit func(Status)

	// RestartOnExit starts a server again that has crashed: not one that was stopped
	// or killed through the pool, nor one that ended with status 0. It is patient: it waits
	// RestartMin (0 means 100 ms) before the first restart, longer before each further
	// one, up to about RestartMax (0 means 5 s), and begins anew after a process that was
	// ready for as long as RestartMax. It never gives up.
	RestartOnExit          bool
	RestartMin, RestartMax time.Duration
}

// A Pool is a number of server processes. Make one with [New], and Close it.
type Pool struct {
	config  Config
	system  system
	closing context.Context // ends when Close begins
	close   context.CancelFunc

	mu      sync.Mutex
	closed  bool
	last    int // the number in the last name given
	servers []*Process

	running sync.WaitGroup // the pool's goroutines; Add with mu held and closed false
}

// New returns a pool without processes.
func New(c Config) *Pool {
	if c.Ready == "" {
		c.Ready = "Awaiting RPC requests"
	}
	if c.NamePrefix == "" {
		c.NamePrefix = "fib-"
	}
	if c.RestartMin <= 0 {
		c.RestartMin = 100 * time.Millisecond
	}
	if c.RestartMax <= 0 {
		c.RestartMax = 5 * time.Second
	}
	c.RestartMax = max(c.RestartMin, c.RestartMax)
	p := &Pool{config: c}
	p.closing, p.close = context.WithCancel(context.Background())
	return p
}

// Start starts one more server, with args after those of the config, and waits until
// it is ready. It returns an error, and the server is gone, when the server ends
// before that (the error has its last lines), or when ctx ends. A server waits for its broker
// for ever, so give ctx a deadline.
func (p *Pool) Start(ctx context.Context, args ...string) (*Process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.last++
	s := newProcess(p, fmt.Sprintf("%s%d", p.config.NamePrefix, p.last), args)
	p.servers = append(p.servers, s)
	r, err := s.launch()
	p.mu.Unlock()

	if err == nil {
		err = s.await(ctx, r)
	}
	if err != nil {
		_ = p.Remove(s.name) // it has ended, unless somebody restarted it meanwhile
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	return s, nil
}

// Stop asks a server to finish its work and end, by SIGTERM, and waits until it has.
// When ctx ends first, it is killed, and the error says so. Stopping a server
// that does not run does nothing, except that it will not be restarted by RestartOnExit.
func (p *Pool) Stop(ctx context.Context, name string) error {
	s, err := p.find(name)
	if err != nil {
		return err
	}
	return s.stop(ctx)
}

// Kill ends a server as kill -9 does, and waits until it is gone. It will not be
// restarted by RestartOnExit.
func (p *Pool) Kill(name string) error {
	s, err := p.find(name)
	if err != nil {
		return err
	}
	return s.kill()
}

// Restart stops a server, if it runs, as [Pool.Stop] does, and starts it again under the
// same name with the same arguments, waiting as [Pool.Start] does. A server that
// fails to start stays in the list.
func (p *Pool) Restart(ctx context.Context, name string) error {
	s, err := p.find(name)
	if err != nil {
		return err
	}
	if err := s.stop(ctx); err != nil {
		return fmt.Errorf("restart: %w", err) // ctx has ended, and the server with it
	}
	p.mu.Lock()
	r, err := s.relaunch()
	p.mu.Unlock()
	if err == nil {
		err = s.await(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("restart %s: %w", name, err)
	}
	return nil
}

// Remove takes a server that does not run off the list.
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

// List returns what is known of each server, in the order in which they were started.
func (p *Pool) List() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Status, len(p.servers))
	for i, s := range p.servers {
		list[i] = s.snapshot()
	}
	return list
}

// Close stops all servers at once, as [Pool.Stop] does each, and returns when all have
// ended and nothing of the pool is left. Its error names those that had to be killed
// because ctx ended first. Give ctx a deadline: a server that works on a long request
// drains for as long. After the first Close, others wait the same way.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	servers := slices.Clone(p.servers)
	p.mu.Unlock()
	p.close()

	errs := make([]error, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() { errs[i] = s.stop(ctx) })
	}
	all.Wait()
	p.running.Wait()

	p.mu.Lock()
	defer p.mu.Unlock()
	p.system.close()
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
	return slices.IndexFunc(p.servers, func(s *Process) bool { return s.name == name })
}
