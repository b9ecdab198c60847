package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rpcscope/amqprpc"
)

// justEnded is how long the broker may count a server among the consumers that has ended.
const justEnded = 2 * time.Second

// ours is how many of the queue's consumers may be servers of the lab.
func (l *Lab) ours() int {
	list := l.pool.List() // before the rest, in which servers turn up no earlier
	n := l.fleet.notYetIn(list)
	for _, s := range list {
		if s.State.Alive() || time.Since(s.Ended) < justEnded {
			n++
		}
	}
	return n
}

// Alone returns an error if a server that is started now may take requests from somebody else's,
// or cannot answer them: others consume from the queue, nobody can say whether some do, or a
// [Service] is asked. It asks the broker, three seconds at most. [Lab.Allow] ends that.
func (l *Lab) CheckStart(ctx context.Context) error {
	if l.allowed.Load() {
		return nil
	}
	now, _ := l.askBroker(ctx)
	return l.beside(now)
}

// Allow lets servers be started beside somebody else's.
func (l *Lab) AllowStart() {
	l.allowed.Store(true)
	l.notes.add(Info, "servers may be started here, whoever else consumes from "+l.cfg.Queue, "")
}

// beside is [Lab.Alone] as far as is known.
func (l *Lab) beside(now Queue) error {
	switch {
	case l.allowed.Load():
		return nil
	case l.cfg.Service != nil:
		return errors.New("a fibserver answers nothing but fib, and the requests are for another service")
	}
	return others(now)
}

// Shared returns an error if somebody else consumes from a queue, or may: by what
// [amqprpc.Client.QueueStats] has answered.
func OtherConsumers(name string, stats amqprpc.QueueStats, err error) error {
	if errors.Is(err, amqprpc.ErrConnectionLost) {
		return fmt.Errorf("nobody can say whether somebody else consumes from %.60q: %w", name, err)
	}
	q := queue{state: Queue{Name: name}}
	now, _ := q.answered(0, stats, err, 0)
	return others(now)
}

// others returns an error if somebody else consumes from a queue, or may.
func others(now Queue) error {
	switch {
	case now.Known && now.Exclusive:
		return fmt.Errorf("%.60q is exclusive to another connection", now.Name)
	case now.Others == 1:
		return fmt.Errorf("somebody else consumes from %.60q", now.Name)
	case now.Others > 1:
		return fmt.Errorf("%d others consume from %.60q", now.Others, now.Name)
	case !now.Known && now.Err != "":
		return fmt.Errorf("nobody can say whether somebody else consumes from %.60q (%s)", now.Name, now.Err)
	}
	return nil
}
