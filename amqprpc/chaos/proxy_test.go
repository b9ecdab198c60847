package chaos

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// A conditions is the state of one direction of a network. The zero value is a network without faults.
type conditions struct {
	delay, jitter time.Duration // of each piece; their order stays
	rate          int           // bytes per second and link; 0 is without a limit
	frozen        bool          // nothing moves, nothing is lost
	lost          bool          // all that is sent is dropped, as by a peer that has vanished
}

// A proxy is a TCP network with faults between clients and a broker. Links that have lost bytes are cut when the
// conditions change.
type proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu      sync.Mutex
	random  *rand.Rand
	up      conditions    // from the client to the broker
	down    conditions    // the other way
	changed chan struct{} // closed and replaced when up or down change
	refuse  bool
	closed  bool
	links   map[*proxied]struct{}
}

// proxied is one connection through a proxy.
type proxied struct {
	client, broker net.Conn
	done           chan struct{} // closed when it is cut
	once           sync.Once
	lossy          bool // guarded by the proxy's mutex
}

func newProxy(target string, seed uint64) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		listener: l, target: target, random: rand.New(rand.NewPCG(seed, 1<<32)),
		changed: make(chan struct{}), links: map[*proxied]struct{}{},
	}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// set changes the conditions.
func (p *proxy) set(up, down conditions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up, p.down = up, down
	close(p.changed)
	p.changed = make(chan struct{})
	for l := range p.links {
		if l.lossy {
			l.cut(false)
		}
	}
}

func (p *proxy) setRefuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// cut ends all links at once; with reset both ends see a reset, else an end.
func (p *proxy) cut(reset bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut(reset)
	}
	return len(p.links)
}

// close ends the proxy, its links and its goroutines.
func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.listener.Close()
	for l := range p.links {
		l.cut(false)
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	p.mu.Lock()
	refused := p.refuse || p.closed
	p.mu.Unlock()
	if refused {
		reset(client)
		return
	}
	broker, err := net.DialTimeout("tcp", p.target, 10*time.Second)
	if err != nil {
		reset(client)
		return
	}
	l := &proxied{client: client, broker: broker, done: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		l.cut(false)
		return
	}
	p.links[l] = struct{}{}
	p.mu.Unlock()

	var both sync.WaitGroup
	both.Go(func() { p.pass(l, l.client, l.broker, &p.up) })
	both.Go(func() { p.pass(l, l.broker, l.client, &p.down) })
	both.Wait()
	l.cut(false)
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

func (l *proxied) cut(withReset bool) {
	l.once.Do(func() {
		close(l.done)
		for _, c := range []net.Conn{l.client, l.broker} {
			if withReset {
				reset(c)
			} else {
				c.Close()
			}
		}
	})
}

// A piece is a sequence of bytes under way.
type piece struct {
	bytes []byte
	sent  time.Time
}

// pass carries one direction of a link until it ends. Bytes that are under way at that time still arrive.
func (p *proxy) pass(l *proxied, from, to net.Conn, in *conditions) {
	const underWay = 256 // pieces; then the sender blocks
	pieces := make(chan piece, underWay)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(pieces)
		buffer := make([]byte, 16<<10)
		for {
			n, err := from.Read(buffer)
			if n > 0 && p.admit(l, in) {
				select {
				case pieces <- piece{append([]byte(nil), buffer[:n]...), time.Now()}:
				case <-l.done:
					return
				}
			}
			if err != nil {
				if err != io.EOF {
					l.cut(false)
				}
				return
			}
		}
	})
	defer reader.Wait()
	var arrived time.Time // of the last piece: none overtakes another
	for piece := range pieces {
		if arrived = p.travel(l, in, piece, arrived); arrived.IsZero() {
			return
		}
		if _, err := to.Write(piece.bytes); err != nil {
			l.cut(false)
			return
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// admit blocks while the direction is frozen, and reports whether the link goes on.
func (p *proxy) admit(l *proxied, in *conditions) bool {
	for {
		p.mu.Lock()
		now, changed := *in, p.changed
		if now.lost {
			l.lossy = true
		}
		p.mu.Unlock()
		if !now.frozen {
			return !now.lost
		}
		select {
		case <-changed:
		case <-l.done:
			return false
		}
	}
}

// travel waits until a piece arrives and returns when that was, or zero when the link was cut.
func (p *proxy) travel(l *proxied, in *conditions, what piece, last time.Time) time.Time {
	p.mu.Lock()
	chance := p.random.Float64()
	p.mu.Unlock()
	for {
		p.mu.Lock()
		now, changed := *in, p.changed
		p.mu.Unlock()
		due := what.sent.Add(now.delay + time.Duration(chance*float64(now.jitter)))
		if now.rate > 0 {
			due = later(due, later(last, what.sent).Add(time.Duration(len(what.bytes))*time.Second/time.Duration(now.rate)))
		}
		wait := time.Until(later(due, last))
		if !now.frozen && wait <= 0 {
			return later(time.Now(), last)
		}
		if now.frozen {
			wait = time.Hour
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-l.done:
			timer.Stop()
			return time.Time{}
		}
		timer.Stop()
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
