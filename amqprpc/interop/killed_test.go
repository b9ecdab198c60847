package interop

import (
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/server/pool"
)

// Foreign servers die between reply and ack. Another server answers their requests again: the client gets one duplicate for
// each death, and no call is lost.
func TestTheirServersDieBeforeTheAck(t *testing.T) {
	for _, kind := range []string{"transient", "classic", "quorum"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const calls, dieAt = 300, "10"
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			if kind == "transient" {
				brokertest.NeedTransient(t, url)
			}
			own := serve(t, url, "fib-", ours(t, "fibserver"), "--queue", queue, "--queue-type", kind, "--log-format", "json", "--delay", "3ms")
			own.start(t)
			var doomed []*pool.Process
			for _, library := range libraries[:2] { // pika's and aio-pika's can be told to die
				s := serve(t, url, library.prefix, theirs(t, library.server), "--queue", queue, "--declare", "passive", "--sign", "--sleep", "0.003", "--die-at", dieAt)
				doomed = append(doomed, s.start(t))
			}

			sum := load(t, url, queue, calls, "-c", "16", "--fib", "5-12")
			for _, p := range doomed {
				if s := p.Status(); s.State != pool.Crashed {
					t.Errorf("%s is %v", s.Name, s.State)
				}
				if n := sum.by(p.Name()); n != 10 {
					t.Errorf("%s died at request %s and sent %d replies", p.Name(), dieAt, n)
				}
			}
			deaths := uint64(len(doomed))
			if sum.Replies.Duplicates != deaths || sum.Replies.Received != calls+deaths {
				t.Errorf("%d deaths, and %+v", deaths, sum.Replies)
			}
			d := drainedOf(t, own.stop(t))
			// The other server may have got a request of the first one.
			if d.Redelivered < 1 || d.Redelivered > int64(deaths) || uint64(d.Requests) != sum.by("fib-1") {
				t.Errorf("our server has %+v", d)
			}
			if n := ready(t, url, queue); n != 0 {
				t.Errorf("%d requests were given back", n)
			}
		})
	}
}
