package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// consumerLinger is how long the broker may still count a server that has ended as a consumer.
const consumerLinger = 2 * time.Second

// ownConsumers returns how many of the queue's consumers may be servers of the lab.
func (l *Lab) ownConsumers() int {
	n := 0
	for _, s := range l.pool.List() {
		if s.State.Alive() || time.Since(s.Ended) < consumerLinger {
			n++
		}
	}
	return n
}

// CheckStart returns an error if a new server might take requests from somebody else's server, or
// cannot answer them: if the queue has foreign consumers or the broker cannot say so, or if the lab
// calls a [Service]. It asks the broker, for at most three seconds. After [Lab.AllowStart] it
// returns nil.
func (l *Lab) CheckStart(ctx context.Context) error {
	if l.startAllowed.Load() {
		return nil
	}
	queue, _ := l.queryQueue(ctx)
	return l.startWarning(queue)
}

// AllowStart allows servers to be started whoever else consumes from the queue.
func (l *Lab) AllowStart() {
	l.startAllowed.Store(true)
	l.notes.add(Info, "servers may be started here, whoever else consumes from "+l.cfg.Queue, "")
}

// startWarning is CheckStart for a known state of the queue.
func (l *Lab) startWarning(queue Queue) error {
	switch {
	case l.startAllowed.Load():
		return nil
	case l.cfg.Service != nil:
		return errors.New("a fibserver answers nothing but fib, and the requests are for another service")
	}
	return OtherConsumers(queue)
}

// OtherConsumers returns an error if another client consumes from a queue, or may.
func OtherConsumers(queue Queue) error {
	switch {
	case queue.Known && queue.Exclusive:
		return fmt.Errorf("%.60q is exclusive to another connection", queue.Name)
	case queue.Others == 1:
		return fmt.Errorf("another client consumes from %.60q", queue.Name)
	case queue.Others > 1:
		return fmt.Errorf("%d others consume from %.60q", queue.Others, queue.Name)
	case !queue.Known && queue.Err != "":
		return fmt.Errorf("it is unknown whether another client consumes from %.60q (%s)", queue.Name, queue.Err)
	}
	return nil
}
