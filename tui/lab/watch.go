package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
)

// mostFollowed is how many replies sent by hand are waited for.
const mostFollowed = 64

// A watch is what the lab itself takes from the client's events: notes about the
// connection, and what became of replies that were sent by hand. It is called with the
// client's lock held, in the way of every call, so usual traffic costs it one comparison.
type watch struct {
	lost    time.Time    // when the connection was lost; the client's events alone touch it
	dropped atomic.Bool  // DropConnection has cut it, and there is no other yet
	why     atomic.Value // string: why the connection was lost last

	following atomic.Int32 // len(followed)
	mu        sync.Mutex
	followed  []*followed
}

// A followed is a reply that was sent by hand and has not come in.
type followed struct {
	id   string
	note uint64
	what string
}

// explained returns e with a reason for people if it tells of a lost connection. The
// socket of a connection that was dropped by hand says only that it is closed.
func (l *Lab) explained(e amqprpc.Event) amqprpc.Event {
	switch {
	case e.Kind == amqprpc.EventConnected:
		l.watch.dropped.Store(false)
	case e.Kind == amqprpc.EventDisconnected:
		e.Text = l.whyLost(e.Text)
		l.watch.why.Store(e.Text)
	case e.Kind == amqprpc.EventFailed && e.Outcome == amqprpc.ConnectionLost:
		if what, why, ok := strings.Cut(e.Text, ": "); ok {
			e.Text = what + ": " + l.whyLost(why)
		}
	}
	return e
}

func (l *Lab) whyLost(text string) string {
	if l.watch.dropped.Load() {
		return "dropped by hand"
	}
	return reason(text)
}

// observe is told of every event.
func (l *Lab) observe(e amqprpc.Event) {
	switch e.Kind {
	case amqprpc.EventReply:
		if e.Class != amqprpc.Answer && l.watch.following.Load() > 0 && e.Message.AppID == InjectorName {
			l.cameIn(e)
		}
	case amqprpc.EventConnected:
		where := ""
		if e.Connection != nil {
			where = " to " + e.Connection.Address
		}
		if l.watch.lost.IsZero() {
			l.notes.add(Success, "connected"+where, "")
		} else {
			l.notes.add(Success, fmt.Sprintf("connected%s again after %s", where, took(e.Time.Sub(l.watch.lost))), "")
		}
		l.queue.reconnected()
	case amqprpc.EventDisconnected:
		l.watch.lost = e.Time
		l.notes.add(Failure, "connection lost: "+e.Text, "")
		l.queue.reconnected()
		l.neverCame()
	case amqprpc.EventBlocked:
		l.notes.add(Failure, "the broker blocks publishers, by an alarm: "+e.Text, "")
	case amqprpc.EventUnblocked:
		l.notes.add(Success, "the broker's alarm is over", "")
	}
}

// follow begins to wait for a reply.
func (w *watch) follow(f *followed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.followed) == mostFollowed {
		w.followed = w.followed[1:] // it has not come for a long time
	}
	w.followed = append(w.followed, f)
	w.following.Store(int32(len(w.followed)))
}

// take ends the waiting for the first that is so, and calls then with it. It returns false
// where none is. then is called with the mutex held, so that of two rewrites of one note
// the later one is of what happened later.
func (w *watch) take(where func(*followed) bool, then func(*followed)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, f := range w.followed {
		if where(f) {
			w.followed = append(w.followed[:i:i], w.followed[i+1:]...)
			w.following.Store(int32(len(w.followed)))
			then(f)
			return true
		}
	}
	return false
}

// cameIn rewrites the note of a reply that was sent by hand.
func (l *Lab) cameIn(e amqprpc.Event) {
	what := "no call of that ID is known here"
	switch e.Class {
	case amqprpc.Duplicate:
		what = fmt.Sprintf("a duplicate, %s after the answer", took(e.Since))
	case amqprpc.Late:
		what = fmt.Sprintf("late, %s after the call had failed (%v)", took(e.Since), e.Outcome)
	}
	l.watch.take(func(f *followed) bool { return f.id == e.ID }, func(f *followed) {
		l.notes.rewrite(f.note, Success, fmt.Sprintf("%s came in: %s; discarded", f.what, what))
	})
}

// neverCame rewrites the notes of replies that went with the callback queue.
func (l *Lab) neverCame() {
	for l.watch.take(func(*followed) bool { return true }, func(f *followed) {
		l.notes.rewrite(f.note, Failure, f.what+" never came in: the callback queue went with the connection")
	}) {
	}
}

// still calls f where o has not come in, and before it does.
func (w *watch) still(o *followed, f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.followed, o) {
		f()
	}
}

// exception is how amqp091-go writes an error of a connection.
var exception = regexp.MustCompile(`Exception \(\d+\) Reason: ("(?:[^"\\]|\\.)*")$`)

// reason is the part of the text of a connection's error that tells people something:
// without amqp091-go's words around it, and without the addresses of a socket that failed.
func reason(text string) string {
	found := exception.FindStringSubmatch(text)
	if found == nil {
		return text
	}
	why, err := strconv.Unquote(found[1])
	if err != nil || why == "" {
		return text
	}
	if strings.HasPrefix(why, "read ") || strings.HasPrefix(why, "write ") { // a net.OpError
		why = why[strings.LastIndex(why, ": ")+1:]
	}
	return strings.TrimSpace(why)
}
