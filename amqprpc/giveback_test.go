package amqprpc

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// settled reads the acks and nacks that were written: how many frames, and the last of them.
func settled(t *testing.T, written []byte) (acks, nacks int, last wire.Method) {
	t.Helper()
	for in := wire.NewReader(bytes.NewReader(written)); ; {
		f, err := in.ReadFrame()
		if err != nil {
			return acks, nacks, last
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
		}
		last = m
	}
}

// A server that drains with a full prefetch and four requests in hand gives the others back with
// one nack as soon as those four are settled, and one by one where that takes too long; a few
// go at once.
func TestGiveBackFrames(t *testing.T) {
	const inHand = 4
	for _, c := range []struct {
		name        string
		prefetch    int
		busy        time.Duration // how long the handlers are
		early, late int           // nacks before that, and in all
	}{
		{"handlers that end", 65535, giveBackWait / 2, 0, 1},
		{"handlers that do not", 65535, 2 * giveBackWait, 65535 - inHand, 65535 - inHand},
		{"a few", fewGivenBack + inHand, giveBackWait / 2, fewGivenBack, fewGivenBack},
		{"more than a few", fewGivenBack + inHand + 1, giveBackWait / 2, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &sink{}
				ss := &session{
					server: &service{counts: &serverCounts{}}, acks: newHandover[settlement](), drained: make(chan struct{}),
					pair: &pair{consumer: &link{wire: newStream(to, to, nil)}, sub: &amqp.Channel{}, over: make(chan struct{})},
				}
				ss.wg.Go(ss.ack)
				for tag := uint64(c.prefetch); tag > inHand; tag-- { // workers and drain may add in any order
					ss.unhandled(&request{tag: tag})
				}
				ss.taken.Store(int64(c.prefetch))
				ss.acks.offer(ss.unbegun.all()...)
				time.Sleep(c.busy)
				synctest.Wait()
				if acks, nacks, _ := settled(t, to.got); acks != 0 || nacks != c.early {
					t.Errorf("%d nacks while handlers are at it, want %d; %d acks", nacks, c.early, acks)
				}
				for tag := range uint64(inHand) {
					ss.acks.offer(settlement{tag + 1, accept})
				}
				ss.allTaken.Store(true)
				ss.acks.nudge()
				select {
				case <-ss.drained:
				case <-time.After(time.Minute):
					t.Fatal("it is not drained")
				}
				ss.wg.Wait()
				acks, nacks, last := settled(t, to.got)
				if acks == 0 || nacks != c.late || ss.server.counts.givenBack.Load() != int64(c.prefetch-inHand) {
					t.Errorf("%d acks, %d nacks, want %d of these", acks, nacks, c.late)
				}
				if n, ok := last.(*wire.BasicNack); c.late == 1 && (!ok || n.DeliveryTag != uint64(c.prefetch) || !n.Multiple || !n.Requeue) {
					t.Errorf("%+v", last)
				}
				t.Logf("%d requests given back with %d nacks, %d bytes", c.prefetch-inHand, nacks, len(to.got))
			})
		})
	}
}
