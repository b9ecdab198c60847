package amqprpc

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Every name is read back as its value, and no two are the same.
func TestVocabularyRoundTrips(t *testing.T) {
	type word interface {
		encoding.TextMarshaler
		fmt.Stringer
	}
	seen := map[string]bool{}
	check := func(w word, read func([]byte) (any, error)) {
		text, err := w.MarshalText()
		if err != nil || string(text) != w.String() || strings.Contains(w.String(), "(") {
			t.Errorf("%v is written %q, error %v", w, text, err)
		}
		if key := fmt.Sprintf("%T %s", w, text); seen[key] {
			t.Errorf("%s stands for two", key)
		} else {
			seen[key] = true
		}
		if back, err := read(text); err != nil || back != any(w) {
			t.Errorf("%q is read as %v, error %v", text, back, err)
		}
	}
	for o := range Outcome(outcomes) {
		check(o, func(b []byte) (any, error) { var v Outcome; err := v.UnmarshalText(b); return v, err })
	}
	for c := range Class(len(classNames)) {
		check(c, func(b []byte) (any, error) { var v Class; err := v.UnmarshalText(b); return v, err })
	}
	for k := range EventKind(len(eventKindNames)) {
		check(k, func(b []byte) (any, error) { var v EventKind; err := v.UnmarshalText(b); return v, err })
	}
}

func TestUnknownNamesAreErrors(t *testing.T) {
	for _, s := range []fmt.Stringer{Outcome(outcomes), Outcome(255), Class(len(classNames)), EventKind(len(eventKindNames))} {
		if !strings.Contains(s.String(), "(") {
			t.Errorf("%T out of range is %q", s, s)
		}
	}
	var o Outcome
	if err := o.UnmarshalText([]byte(strings.Repeat("x", 1<<20))); err == nil || len(err.Error()) > 200 {
		t.Errorf("error of %d bytes for an outcome of a megabyte", len(fmt.Sprint(err)))
	}
	if err := new(Class).UnmarshalText([]byte("Answer")); err == nil {
		t.Error("Answer was read as a class")
	}
}

func TestFailuresAreAllButTwo(t *testing.T) {
	failures := Failures()
	if len(failures) != outcomes-2 {
		t.Errorf("%d failures of %d outcomes", len(failures), outcomes)
	}
	for _, o := range failures {
		if !o.Failed() {
			t.Errorf("%v does not count as failed", o)
		}
	}
	if InFlight.Failed() || Completed.Failed() {
		t.Error("what is in flight or completed counts as failed")
	}
}

// Every outcome against every sentinel: each matches its own, and no other.
func TestCallErrorIs(t *testing.T) {
	own := map[Outcome][]error{
		Timeout: {ErrTimeout, context.DeadlineExceeded}, Canceled: {ErrCanceled, context.Canceled},
		Unroutable: {ErrUnroutable}, Rejected: {ErrRejected}, Expired: {ErrExpired},
		ConnectionLost: {ErrConnectionLost}, Closed: {ErrClosed}, Remote: {},
	}
	all := []error{
		ErrTimeout, context.DeadlineExceeded, ErrCanceled, context.Canceled, ErrUnroutable, ErrRejected,
		ErrExpired, ErrConnectionLost, ErrClosed, ErrTooManyInFlight, ErrInvalidRequest, ErrInvalidConfig,
	}
	for _, o := range Failures() {
		for _, notExecuted := range []bool{false, true} {
			for _, inner := range []error{nil, errors.New("because"), &RemoteError{Code: CodeInternal}} {
				var err error = &CallError{ID: "id", Outcome: o, NotExecuted: notExecuted, Err: inner}
				err = fmt.Errorf("wrapped: %w", err)
				for _, target := range all {
					want := false
					for _, mine := range own[o] {
						want = want || mine == target
					}
					if errors.Is(err, target) != want {
						t.Errorf("%v: errors.Is %q is %v", o, target, !want)
					}
				}
				if errors.Is(err, ErrNotExecuted) != notExecuted {
					t.Errorf("%v: ErrNotExecuted is %v", o, !notExecuted)
				}
				if errors.Is(err, nil) {
					t.Errorf("%v is nil", o)
				}
				var remote *RemoteError
				if errors.As(err, &remote) != (inner != nil && inner.Error() == CodeInternal) {
					t.Errorf("%v: errors.As a RemoteError in %v", o, inner)
				}
				var call *CallError
				if !errors.As(err, &call) || call.Timeout() != (o == Timeout) {
					t.Errorf("%v: %+v", o, call)
				}
				if err.Error() == "wrapped: " {
					t.Errorf("%v says nothing", o)
				}
			}
		}
	}
}

// An error of a call that is alone in a log still says which call it was, and of whom.
func TestErrorsNameTheCall(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&CallError{ID: "4f1c", To: `queue "orders"`, Outcome: Timeout}, `call 4f1c to queue "orders": deadline exceeded`},
		{&CallError{ID: "4f1c", To: `queue "or\nders"`, Outcome: ConnectionLost, Err: errors.New("EOF")}, `call 4f1c to queue "or\nders": connection lost: EOF`},
		{&CallError{ID: "4f1c", To: (&Message{Exchange: "amq.topic", RoutingKey: "a.b"}).destination(), Outcome: Timeout}, `call 4f1c to exchange "amq.topic" with routing key "a.b": deadline exceeded`},
		{&CallError{ID: "4f1c", To: `queue "orders"`, Outcome: Remote, Err: Errorf(CodeInternal, "no")}, `call 4f1c to queue "orders": INTERNAL: no`},
		{callError(Config{}, Request{Queue: "orders", Timeout: -1}), `no call to queue "orders": invalid request: a negative timeout`},
		{callError(Config{}, Request{}), `no call to no queue: invalid request: it names no queue`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// callError returns the error of a call of a client that has no connection.
func callError(cfg Config, req Request) error {
	c := newClient(cfg)
	defer c.timer.Stop()
	_, err := c.Call(context.Background(), req)
	return err
}

func TestNotBegunIsNotExecuted(t *testing.T) {
	for _, sentinel := range []error{ErrTooManyInFlight, ErrInvalidRequest, ErrClosed} {
		err := error(notExecuted{fmt.Errorf("no call to q: %w: more", sentinel)})
		if !errors.Is(err, ErrNotExecuted) || !errors.Is(err, sentinel) || errors.Is(err, ErrTimeout) {
			t.Errorf("%v", err)
		}
	}
}
