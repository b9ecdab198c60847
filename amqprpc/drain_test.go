package amqprpc

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
	"rpcscope/amqprpc/internal/wire"
)

// A recording is a net.Conn that keeps all writes.
type recording struct {
	discard
	written bytes.Buffer // read when nobody writes
}

func (r *recording) Write(p []byte) (int, error) { return r.written.Write(p) }

// settlements counts the acks and nacks that were written, and returns the last of them.
func (r *recording) settlements(t *testing.T) (acks, nacks int, last wire.Method) {
	t.Helper()
	in := wire.NewReader(bytes.NewReader(r.written.Bytes()))
	in.SetFrameMax(0)
	for {
		f, err := in.ReadFrame()
		if err != nil {
			return acks, nacks, last
		}
		if f.Type != wire.FrameMethod {
			continue
		}
		m, err := wire.ParseMethod(f.Payload)
		if err != nil {
			t.Fatal(err)
		}
		switch m.(type) {
		case *wire.BasicAck:
			acks++
		case *wire.BasicNack:
			nacks++
		default:
			continue
		}
		last = m
	}
}

// A server that drains with a full prefetch requeues the waiting requests with one frame, as soon as the running
// handlers are done. If that takes too long, it requeues each by itself before.
func TestDrainRequeuesWaiting(t *testing.T) {
	const all, running = 10_000, 4
	for name, c := range map[string]struct {
		busy        time.Duration // how long the handlers run
		early, late int           // nacks before they are done, and in all
	}{
		"handlers that are done soon": {requeueWait / 2, 0, 1},
		"handlers that go on":         {2 * requeueWait, all - running, all - running},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &recording{discard: discard{closed: make(chan struct{})}}
				begun, over := make(chan struct{}, all), make(chan struct{})
				s := &Server{concurrency: running}
				s.routes = []route{{"q", func(context.Context, *Request) (Response, error) {
					begun <- struct{}{}
					<-over
					return Response{}, nil
				}}}
				s.maxMessage.Store(1 << 20)
				ss := &serverSession{Link: link.New(to), server: s, handlers: t.Context(), open: 1, settled: make(chan struct{})}
				s.session = ss
				for tag := range uint64(all) {
					ss.Delivered(link.Delivery{Tag: tag + 1, Properties: &amqp.Publishing{ReplyTo: "r"}})
				}
				synctest.Wait()
				if len(begun) != running {
					t.Fatalf("%d handlers run", len(begun))
				}
				s.routes = nil // there is no broker to cancel their consumers
				drained := make(chan bool)
				go func() { drained <- ss.drain(t.Context()) }()
				time.Sleep(c.busy - time.Nanosecond)
				synctest.Wait()
				if acks, nacks, _ := to.settlements(t); acks != 0 || nacks != c.early {
					t.Errorf("%d acks and %d nacks while handlers run, want 0 and %d", acks, nacks, c.early)
				}
				close(over)
				if !<-drained || len(begun) != running {
					t.Errorf("it failed, or %d handlers ran", len(begun))
				}
				synctest.Wait()
				acks, nacks, last := to.settlements(t)
				if acks == 0 || nacks != c.late || s.Stats().Requeued != all-running || s.Stats().Answered != running {
					t.Errorf("%d acks, %d nacks; %+v", acks, nacks, s.Stats())
				}
				if n, ok := last.(*wire.BasicNack); c.late == 1 && (!ok || n.DeliveryTag != all || !n.Multiple || !n.Requeue) {
					t.Errorf("the last one is %+v", last)
				}
				ss.Close(0)
			})
		})
	}
}

// A drain ends at once if the connection is lost or no request is left.
func TestDrainEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, lost := range []error{nil, errors.New("lost")} {
			s := &Server{}
			ss := &serverSession{Link: link.New(&discard{closed: make(chan struct{})}), server: s, open: 1, settled: make(chan struct{})}
			if lost != nil {
				ss.open++
				ss.Fail(lost)
			}
			began := time.Now()
			if drained := ss.drain(t.Context()); drained != (lost == nil) || time.Since(began) != 0 {
				t.Errorf("drained: %v after %v", drained, time.Since(began))
			}
			ss.Close(0)
		}
	})
}
