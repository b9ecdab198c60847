package cli

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// What a log takes of each kind of event: so many at once, and then so many a second. One
// that is bounded so grows by about 3 MB an hour and kind under the worst flood, and loses
// nothing of an ordinary day. (A kind is a message and a level.)
const (
	logBurst  = 100
	logPerSec = 5
	logKinds  = 256 // messages are constants, so that this is never reached; but it bounds
)

// limited is a log handler that leaves records out where there are too many of one kind:
// strangers can cause events, and must not fill a disk by it. The next record of the kind that
// is let through says how many were left out before it, as "suppressed".
type limited struct {
	slog.Handler
	kinds *logAllowances // shared with those that WithAttrs and WithGroup made
}

type logAllowances struct {
	sync.Mutex
	of map[logKind]*logAllowance
}

type logKind struct {
	level   slog.Level
	message string
}

// A logAllowance is what one kind may still log.
type logAllowance struct {
	left       float64
	at         time.Time
	suppressed int
}

func newLimited(h slog.Handler) *limited {
	return &limited{h, &logAllowances{of: make(map[logKind]*logAllowance)}}
}

// Handle passes the record on, or counts it.
func (l *limited) Handle(ctx context.Context, r slog.Record) error {
	suppressed, ok := l.kinds.take(logKind{r.Level, r.Message}, time.Now())
	if !ok {
		return nil
	}
	if suppressed > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("suppressed", suppressed))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs and WithGroup are slog.Handler's.
func (l *limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limited{l.Handler.WithAttrs(attrs), l.kinds}
}

// WithGroup is slog.Handler's.
func (l *limited) WithGroup(name string) slog.Handler {
	return &limited{l.Handler.WithGroup(name), l.kinds}
}

// take says whether a record of a kind may be logged, and how many were not before it.
func (k *logAllowances) take(kind logKind, now time.Time) (suppressed int, ok bool) {
	k.Lock()
	defer k.Unlock()
	a := k.of[kind]
	if a == nil {
		if len(k.of) >= logKinds {
			clear(k.of)
		}
		a = &logAllowance{left: logBurst, at: now}
		k.of[kind] = a
	}
	a.left = min(logBurst, a.left+logPerSec*max(0, now.Sub(a.at).Seconds()))
	a.at = now
	if a.left < 1 {
		a.suppressed++
		return 0, false
	}
	a.left--
	suppressed, a.suppressed = a.suppressed, 0
	return suppressed, true
}
