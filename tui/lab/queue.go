package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rpcscope/amqprpc"
)

// How often the broker is asked about the queue, and how long it may take to answer.
const (
	pollEvery = time.Second
	pollWait  = 3 * time.Second
)

// A queue is what is known of the request queue. The mutex is a leaf: it is taken under
// the client's lock.
type queue struct {
	ask chan struct{} // has the poller ask at once; buffers one

	mu    sync.Mutex
	state Queue
	epoch int // counts connects and losses, so that an answer from before is none
}

func (q *queue) init(name string) {
	q.ask = make(chan struct{}, 1)
	q.state.Name = name
}

func (q *queue) look() Queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.state
}

// askNow has the poller ask without waiting for its turn.
func (q *queue) askNow() {
	select {
	case q.ask <- struct{}{}:
	default:
	}
}

// reconnected says that the connection has changed: nothing is known.
func (q *queue) reconnected() {
	q.mu.Lock()
	q.epoch++
	q.state.Known, q.state.Err = false, ""
	q.mu.Unlock()
	q.askNow()
}

func (q *queue) begin() (epoch int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.epoch
}

// answered enters what the broker said in an epoch.
func (q *queue) answered(epoch int, stats amqprpc.QueueStats, err error) (Queue, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if epoch != q.epoch || errors.Is(err, amqprpc.ErrConnectionLost) {
		return q.state, false
	}
	missing := errors.Is(err, amqprpc.ErrUnroutable)
	if err != nil && !missing {
		q.state.Err = err.Error()
		if errors.Is(err, context.DeadlineExceeded) {
			q.state.Err = fmt.Sprintf("no answer within %v", pollWait)
		}
		return q.state, false
	}
	q.state = Queue{
		Name: q.state.Name, Known: true, Missing: missing,
		Ready: stats.Ready, Consumers: stats.Consumers, At: time.Now(),
	}
	return q.state, true
}

// poll is the goroutine that asks about the queue.
func (l *Lab) poll() {
	turn := time.NewTicker(pollEvery)
	defer turn.Stop()
	said := false
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-turn.C:
		case <-l.queue.ask:
		}
		if _, connected := l.client.Connection(); !connected {
			continue
		}
		epoch := l.queue.begin()
		ctx, cancel := context.WithTimeout(l.ctx, pollWait)
		stats, err := l.client.QueueStats(ctx, l.cfg.Queue)
		cancel()
		if now, ok := l.queue.answered(epoch, stats, err); ok {
			l.begin(now, !said)
			said = true
		}
	}
}

// begin begins the load where it waits for a consumer and there is one.
func (l *Lab) begin(now Queue, first bool) {
	l.mu.Lock()
	waited := l.state.Waiting
	if waited && now.Consumers > 0 {
		l.state.Waiting = false
		l.hold()
	}
	paused := l.state.Paused
	l.mu.Unlock()

	switch {
	case !waited:
	case l.cfg.OwnQueue && paused: // whoever opened it starts the servers and the load
	case now.Consumers > 0:
		who := l.consumer()
		what := "the load begins"
		if paused {
			what = "the load begins when it is resumed"
		}
		l.notes.add(Good, fmt.Sprintf("%s consumes from %s: %s", who, now.Name, what), "")
	case first && now.Missing:
		l.notes.add(Neutral, fmt.Sprintf("the load waits for a server: there is no queue %s", now.Name), "")
	case first:
		l.notes.add(Neutral, fmt.Sprintf("the load waits for a server: nobody consumes from %s", now.Name), "")
	}
}

// consumer is who consumes, as far as it is known.
func (l *Lab) consumer() string {
	list := l.pool.List() // before the rest, in which servers turn up no earlier
	ours := l.fleet.notYetIn(list) > 0
	for _, s := range list {
		ours = ours || s.State.Alive()
	}
	switch name := l.fleet.newest(); {
	case name != "":
		return name
	case ours: // most likely that one: the broker knows before its ready line is read
		return "a server"
	}
	return "somebody"
}
