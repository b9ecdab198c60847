package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
)

const (
	// The broker is asked about the queue every pollInterval, and less and less often, down to
	// maxPollInterval, while it does not answer.
	pollInterval    = time.Second
	maxPollInterval = 30 * time.Second
	pollTimeout     = 3 * time.Second
	// maxPollFailures is how many questions in a row may fail before the load starts all the same.
	maxPollFailures = 3
	deleteTimeout   = 5 * time.Second
	// ownQueueExpires is how long a queue of the lab's own may have no consumers: longer than
	// anybody looks at calls that no server answers.
	ownQueueExpires = 5 * time.Minute
)

// A requestQueue is the known state of the request queue. Its mutex is locked with the client's
// lock held, so nothing else may be locked below it.
type requestQueue struct {
	wake chan struct{} // wakes the poller; has room for one

	mu       sync.Mutex
	state    Queue
	failures int // questions in a row without an answer
}

func (q *requestQueue) get() Queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.state
}

// pollNow makes the poller ask at once.
func (q *requestQueue) pollNow() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// reset forgets the state after a connect or a loss.
func (q *requestQueue) reset() {
	q.mu.Lock()
	q.state.Known, q.state.Err, q.failures = false, "", 0
	q.mu.Unlock()
	q.pollNow()
}

// update records the broker's answer; own is how many of the consumers may be the lab's servers.
// It returns the new state and the number of failures in a row.
func (q *requestQueue) update(stats amqprpc.QueueStats, err error, own int) (state Queue, failures int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	missing, exclusive := errors.Is(err, amqprpc.ErrUnroutable), errors.Is(err, amqprpc.ErrExclusive)
	switch {
	case errors.Is(err, amqprpc.ErrConnectionLost), errors.Is(err, amqprpc.ErrClosed), errors.Is(err, context.Canceled):
		return q.state, 0
	case err == nil, missing, exclusive:
		q.failures = 0
		q.state = Queue{
			Name: q.state.Name, Known: true, Missing: missing, Exclusive: exclusive,
			Ready: stats.Ready, Consumers: stats.Consumers, Others: max(stats.Consumers-own, 0), At: time.Now(),
		}
	case errors.Is(err, context.DeadlineExceeded): // the last answer may still be right
		q.failures++
		q.state.Err = fmt.Sprintf("no answer within %v", pollTimeout)
	default:
		q.failures++
		q.state.Known, q.state.Err = false, shortReason(err.Error())
		if refused, ok := errors.AsType[*amqp.Error](err); ok && !errors.As(err, new(*amqprpc.PermissionError)) {
			q.state.Err = refused.Reason // without the address: the client is connected to it
		}
	}
	return q.state, q.failures
}

// poll is the goroutine that asks about the queue. first is true until there is an answer.
func (l *Lab) poll(first bool) {
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-timer.C:
		case <-l.queue.wake:
		}
		interval := pollInterval
		if _, connected := l.client.Connection(); connected {
			queue, failures := l.queryQueue(l.ctx)
			l.startLoad(queue, first, failures)
			first = first && !queue.Known
			if !queue.Known {
				interval = min(pollInterval<<min(failures, 10), maxPollInterval)
			}
		}
		timer.Reset(interval)
	}
}

// queryQueue asks the broker about the queue and records the answer.
func (l *Lab) queryQueue(ctx context.Context) (state Queue, failures int) {
	own := l.ownConsumers()
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	stats, err := l.client.QueueStats(ctx, l.cfg.Queue)
	return l.queue.update(stats, err, max(own, l.ownConsumers()))
}

// startLoad starts a load that waits for a server if the queue has a consumer, or if the broker
// cannot say.
func (l *Lab) startLoad(queue Queue, first bool, failures int) {
	consumed := queue.Known && (queue.Consumers > 0 || queue.Exclusive)
	l.mu.Lock()
	wasWaiting := l.state.Waiting
	starts := wasWaiting && (l.servers.newest() != "" || consumed || failures >= maxPollFailures)
	if starts {
		l.state.Waiting = false
		if l.cfg.PauseIfForeign && first && !l.state.Paused && consumed && (queue.Exclusive || queue.Others > 0) {
			l.state.Paused, l.state.PausedBy = true, OtherConsumers(queue).Error()
		}
		l.pauseOrResume()
	}
	paused := l.state.Paused
	l.mu.Unlock()

	begins := "the load begins"
	if paused {
		begins = "press space to start the load"
	}
	switch {
	case !wasWaiting:
	case l.cfg.OwnQueue && paused: // the tour starts servers and load itself
	case starts && queue.Known && queue.Exclusive:
		l.notes.add(Success, fmt.Sprintf("%s is exclusive to another connection, so it has an owner: %s", queue.Name, begins), "")
	case starts && (consumed || l.servers.newest() != ""):
		l.notes.add(Success, fmt.Sprintf("%s consumes from %s: %s", cmp.Or(l.servers.newest(), "a server"), queue.Name, begins), "")
	case starts:
		l.notes.add(Info, fmt.Sprintf("cannot tell who consumes from %s (%s): %s anyway", queue.Name, queue.Err, begins), "")
	case first && queue.Known && queue.Missing:
		l.notes.add(Info, fmt.Sprintf("the load waits for a server: there is no queue %s", queue.Name), "")
	case first && queue.Known:
		l.notes.add(Info, fmt.Sprintf("the load waits for a server: nobody consumes from %s", queue.Name), "")
	}
}
