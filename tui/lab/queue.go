package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
)

const (
	// pollEvery is how often the broker is asked about the queue, and pollWait how long it
	// may take to answer. If it refuses to answer, it is asked less and less often.
	pollEvery     = time.Second
	pollWait      = 3 * time.Second
	mostPollEvery = 30 * time.Second
	// enoughFailed is how many questions in a row fail before the load begins without an answer.
	enoughFailed = 3
)

// A queue is what is known of the request queue. The mutex is a leaf: it is taken under
// the client's lock.
type queue struct {
	ask chan struct{} // has the poller ask at once; buffers one

	mu     sync.Mutex
	state  Queue
	epoch  int // counts connects and losses, so that an answer from before is none
	failed int // questions in a row that were not answered
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
	q.state.Known, q.state.Err, q.failed = false, "", 0
	q.mu.Unlock()
	q.askNow()
}

func (q *queue) begin() (epoch int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.epoch
}

// answered enters what the broker said in an epoch, of which so many consumers may be the lab's.
// It returns how often in a row the broker could not be asked.
func (q *queue) answered(epoch int, stats amqprpc.QueueStats, err error, ours int) (now Queue, failed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	missing, exclusive := errors.Is(err, amqprpc.ErrUnroutable), errors.Is(err, amqprpc.ErrExclusive)
	switch {
	case epoch != q.epoch, errors.Is(err, amqprpc.ErrConnectionLost), errors.Is(err, amqprpc.ErrClosed), errors.Is(err, context.Canceled):
		return q.state, 0
	case err == nil, missing, exclusive:
		q.failed = 0
		q.state = Queue{
			Name: q.state.Name, Known: true, Missing: missing, Exclusive: exclusive,
			Ready: stats.Ready, Consumers: stats.Consumers, Others: max(stats.Consumers-ours, 0), At: time.Now(),
		}
	case errors.Is(err, context.DeadlineExceeded): // what is known may still be so
		q.failed++
		q.state.Err = fmt.Sprintf("no answer within %v", pollWait)
	default:
		q.failed++
		q.state.Known, q.state.Err = false, reason(err.Error())
		if refused, ok := errors.AsType[*amqp.Error](err); ok && !errors.As(err, new(*amqprpc.PermissionError)) {
			q.state.Err = refused.Reason // without the address, to which there is a connection
		}
	}
	return q.state, q.failed
}

// poll is the goroutine that asks about the queue. first says that there was no answer yet.
func (l *Lab) poll(first bool) {
	turn := time.NewTimer(pollEvery)
	defer turn.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-turn.C:
		case <-l.queue.ask:
		}
		every := pollEvery
		if _, connected := l.client.Connection(); connected {
			now, failed := l.askBroker(l.ctx)
			l.begin(now, first, failed)
			first = first && !now.Known
			if !now.Known {
				every = min(pollEvery<<min(failed, 10), mostPollEvery)
			}
		}
		turn.Reset(every)
	}
}

// askBroker asks the broker about the queue, and enters the answer.
func (l *Lab) askBroker(ctx context.Context) (now Queue, failed int) {
	epoch, ours := l.queue.begin(), l.ours()
	ctx, cancel := context.WithTimeout(ctx, pollWait)
	defer cancel()
	stats, err := l.client.QueueStats(ctx, l.cfg.Queue)
	return l.queue.answered(epoch, stats, err, max(ours, l.ours()))
}

// begin begins the load if it waits for a server and there is one, or nobody can say whether
// there is.
func (l *Lab) begin(now Queue, first bool, failed int) {
	ours := l.fleet.newest() != ""
	there := now.Known && (now.Consumers > 0 || now.Exclusive)
	l.mu.Lock()
	waited := l.state.Waiting
	begins := waited && (ours || there || failed >= enoughFailed)
	if begins {
		l.state.Waiting = false
		if l.cfg.PauseIfForeign && first && !l.state.Paused && there && (now.Exclusive || now.Others > 0) {
			l.state.Paused, l.state.PausedBy = true, others(now).Error()
		}
		l.hold()
	}
	paused := l.state.Paused
	l.mu.Unlock()

	what := "the load begins"
	if paused {
		what = "the load begins when it is resumed"
	}
	switch {
	case !waited:
	case l.cfg.OwnQueue && paused: // whoever opened it starts the servers and the load
	case begins && now.Known && now.Exclusive:
		l.notes.add(Success, fmt.Sprintf("%s is exclusive to another connection, so it has an owner: %s", now.Name, what), "")
	case begins && (ours || there):
		l.notes.add(Success, fmt.Sprintf("%s consumes from %s: %s", l.consumer(), now.Name, what), "")
	case begins:
		l.notes.add(Info, fmt.Sprintf("nobody can say who consumes from %s (%s): %s all the same", now.Name, now.Err, what), "")
	case first && now.Known && now.Missing:
		l.notes.add(Info, fmt.Sprintf("the load waits for a server: there is no queue %s", now.Name), "")
	case first && now.Known:
		l.notes.add(Info, fmt.Sprintf("the load waits for a server: nobody consumes from %s", now.Name), "")
	}
}

// consumer is who consumes, as far as it is known.
func (l *Lab) consumer() string {
	switch name := l.fleet.newest(); {
	case name != "":
		return name
	case l.ours() > 0: // most likely that one: the broker knows before its ready line is read
		return "a server"
	}
	return "somebody"
}
