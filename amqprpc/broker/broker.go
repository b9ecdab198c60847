package broker

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"rpcscope/amqprpc/internal/secret"
	"rpcscope/amqprpc/internal/wire"
)

// A Broker is a running broker. All its methods may be called from any goroutine.
type Broker struct {
	cfg         Config
	users       map[string]string
	maxMessage  int
	memoryLimit int64
	addr        string     // for good, once a port has been found
	life        sync.Mutex // Stop, Kill, Restart, Close: one after the other
	closed      bool       // for good; needs life

	gate gate

	// mu guards all that follows, and the queues, channels and most of the connections. There
	// is one lock, held for some microseconds at a time, since nearly everything that happens is about two
	// connections and a queue.
	mu           sync.Mutex
	up           *uptime // nil: stopped
	queues       map[string]*queue
	dirty        []*connection // whose outboxes are to be signalled
	notes        []func()      // for the log
	paused       bool          // nothing is delivered
	meddle       func(Message) Treatment
	confirmsHeld bool
	raised       bool  // RaiseAlarm
	short        bool  // of memory
	memory       int64 // bytes of messages
	arriving     int64 // bytes of messages that are not complete
}

// An uptime is the time from a start to a stop.
type uptime struct {
	listener net.Listener
	conns    map[*connection]struct{}
	cut      chan struct{}            // closed when nothing is waited for any more
	delayed  map[*time.Timer]struct{} // of what Meddle has delayed
	running  sync.WaitGroup
}

// Start starts a broker, which accepts connections when Start returns. It is for the caller
// to close.
func Start(cfg Config) (*Broker, error) {
	b := &Broker{
		cfg: cfg, users: maps.Clone(cfg.Users), queues: map[string]*queue{}, addr: cmp.Or(cfg.Listen, "127.0.0.1:0"),
		maxMessage: cmp.Or(cfg.MaxMessage, defaultMaxMessage), memoryLimit: cmp.Or(cfg.MemoryLimit, defaultMemoryLimit),
	}
	if b.users == nil {
		b.users = map[string]string{guest: guest}
	}
	if b.maxMessage < 0 || b.memoryLimit < 0 {
		return nil, fmt.Errorf("a broker with a MaxMessage of %d and a MemoryLimit of %d bytes", b.maxMessage, b.memoryLimit)
	}
	b.gate.open()
	if err := b.listen(); err != nil {
		return nil, err
	}
	return b, nil
}

// listen begins an uptime. It needs life.
func (b *Broker) listen() error {
	l, err := net.Listen("tcp", b.addr)
	if err != nil {
		return err
	}
	if addr, ok := l.Addr().(*net.TCPAddr); !b.cfg.AllowRemote && !(ok && addr.IP.IsLoopback()) {
		l.Close()
		return fmt.Errorf("%s: %w", b.addr, ErrNotLoopback)
	}
	if addr := l.Addr().String(); addr != b.addr { // the first time only: later others read it
		b.addr = addr
	}
	up := &uptime{listener: l, conns: map[*connection]struct{}{}, cut: make(chan struct{}), delayed: map[*time.Timer]struct{}{}}
	b.lock()
	b.up = up
	for _, q := range b.queues { // which a restart has kept
		q.used()
	}
	b.unlock()
	up.running.Go(func() { b.accept(up) })
	return nil
}

// accept serves connections until the listener is closed.
func (b *Broker) accept(up *uptime) {
	pause := time.Millisecond
	for {
		raw, err := up.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors, most likely
			b.log(slog.LevelWarn, "accept", slog.String("error", err.Error()))
			select {
			case <-time.After(pause):
				pause = min(2*pause, time.Second)
				continue
			case <-up.cut:
				return
			}
		}
		pause = time.Millisecond
		c := newConnection(b, up, raw)
		b.lock()
		stopped := b.up != up
		if !stopped {
			up.conns[c] = struct{}{}
			up.running.Add(1)
		}
		b.unlock()
		if stopped {
			raw.Close()
			continue
		}
		go func() {
			defer up.running.Done()
			c.serve()
		}()
	}
}

// URL is where clients connect: amqp://guest:guest@127.0.0.1:PORT/, or with the first of
// Config.Users by name. It stays the same over Stop and Restart.
func (b *Broker) URL() string {
	u := url.URL{Scheme: "amqp", Host: b.addr, Path: "/"}
	for _, name := range slices.Sorted(maps.Keys(b.users)) {
		u.User = url.UserPassword(name, b.users[name])
		break
	}
	return u.String()
}

// Addr is the address listened on, host:port.
func (b *Broker) Addr() string { return b.addr }

// Close ends the broker: its listener, its connections (with 320; they have two seconds to answer) and its
// queues. It returns when all of its goroutines have ended, and may be called more than once.
func (b *Broker) Close() error {
	b.life.Lock()
	defer b.life.Unlock()
	b.closed = true
	b.down(true)
	b.lock()
	defer b.unlock()
	b.meddle = nil
	for _, q := range b.queues {
		q.delete()
	}
	return nil
}

// down ends the uptime, if there is one. It needs life.
func (b *Broker) down(politely bool) {
	b.gate.open() // a frozen broker would not end
	b.lock()
	up := b.up
	b.up = nil
	if up == nil {
		b.unlock()
		return
	}
	up.listener.Close()
	for timer := range up.delayed {
		if timer.Stop() {
			up.running.Done()
		}
	}
	b.parting(func() {
		for c := range up.conns {
			if politely && c.open {
				c.fail(exception(wire.ConnectionForced, "broker forced connection closure with reason 'shutdown'"))
			} else {
				c.cut("the broker was killed")
			}
		}
	})
	b.unlock()
	if !politely {
		close(up.cut)
		up.running.Wait()
	} else {
		patience := time.AfterFunc(farewellTime, func() {
			close(up.cut)
			b.lock()
			defer b.unlock()
			for c := range up.conns {
				c.cut("no answer to connection.close")
			}
		})
		up.running.Wait()
		if patience.Stop() {
			close(up.cut)
		}
	}
	b.lock()
	defer b.unlock()
	for _, q := range b.queues {
		if !q.durable {
			q.delete()
		} else {
			q.survive()
		}
	}
}

// lock takes the broker's lock.
func (b *Broker) lock() { b.mu.Lock() }

// unlock gives the lock back, then wakes the writers that have something to write, and then logs.
func (b *Broker) unlock() {
	var few [8]*connection
	wake := append(few[:0], b.dirty...)
	for _, c := range b.dirty {
		c.dirty = false
	}
	clear(b.dirty)
	b.dirty = b.dirty[:0]
	notes := b.notes
	b.notes = nil
	b.mu.Unlock()
	for _, c := range wake {
		c.out.signal()
	}
	for _, note := range notes {
		note()
	}
}

// forget is called by a connection that has ended.
func (b *Broker) forget(c *connection) {
	b.lock()
	defer b.unlock()
	delete(c.up.conns, c)
}

// connections are those there are, opened or not. It needs the lock.
func (b *Broker) connections() map[*connection]struct{} {
	if b.up == nil {
		return nil
	}
	return b.up.conns
}

// parting has f end connections: what one of them gives back does not go to another that is about to end
// too, where it would be lost, or count as delivered. It needs the lock.
func (b *Broker) parting(f func()) {
	b.paused = true
	f()
	b.paused = false
	b.pump()
}

// pump delivers what was not delivered while the broker stood still.
func (b *Broker) pump() {
	for _, q := range b.queues {
		q.pump()
	}
}

// requeue gives deliveries back to their queues.
func (b *Broker) requeue(back []delivery) {
	byQueue := map[*queue][]*message{}
	for _, d := range back {
		if d.q.quorum {
			before := d.m.size()
			d.m.properties = withDeliveryCount(d.m.properties, d.m.deliveries)
			b.memory += d.m.size() - before
		}
		byQueue[d.q] = append(byQueue[d.q], d.m)
	}
	for q, messages := range byQueue {
		q.requeue(messages)
	}
	for _, d := range back {
		d.freeCredit()
	}
}

// seconds is a heartbeat as the protocol has it.
func seconds(d time.Duration) uint16 {
	return uint16(min((d+time.Second-1)/time.Second, math.MaxUint16))
}

// same compares passwords in a time that does not tell where they differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// note logs once the lock has been given back: a log that blocks must not hold up everybody. It needs the lock.
func (b *Broker) note(level slog.Level, msg string, args ...any) {
	b.notes = append(b.notes, func() { b.log(level, msg, args...) })
}

// log must not be called with the lock.
func (b *Broker) log(level slog.Level, msg string, args ...any) {
	if b.cfg.Log != nil {
		for i, arg := range args { // what clients send may be a mistyped URL
			if attr, ok := arg.(slog.Attr); ok && attr.Value.Kind() == slog.KindString {
				args[i] = slog.String(attr.Key, secret.Redact(attr.Value.String()))
			}
		}
		b.cfg.Log.Log(context.Background(), level, msg, args...)
	}
}
