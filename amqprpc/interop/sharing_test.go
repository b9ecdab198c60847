package interop

import (
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
)

// A foreign server and fibserver share a queue, whichever of them declared it.
func TestServersShareQueue(t *testing.T) {
	const calls = 300
	for _, kind := range []string{"transient", "classic", "quorum"} {
		for _, test := range []struct {
			name         string
			oursFirst    bool
			ours, theirs string // how they declare
			library      int
		}{
			{"pika's, joined by auto", false, "auto", kind, 0},
			{"aio-pika's, joined by auto", false, "auto", kind, 1},
			{"pika's, joined by the same", false, kind, kind, 0},
			{"ours, joined by passive pika", true, kind, "passive", 0},
			{"ours, joined by passive aio-pika", true, kind, "passive", 1},
			{"ours, joined by the same aio-pika", true, kind, kind, 1},
		} {
			t.Run(kind+", "+test.name, func(t *testing.T) {
				t.Parallel()
				url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
				if kind == "transient" {
					brokertest.NeedTransient(t, url)
				}
				library := libraries[test.library]
				own := serve(t, url, "fib-", ours(t, "fibserver"), "--queue", queue, "--log-format", "json", "--queue-type", test.ours, "--delay", "3ms")
				foreign := serve(t, url, library.prefix, theirs(t, library.server), "--queue", queue, "--declare", test.theirs, "--sign", "--sleep", "0.003")
				if test.oursFirst {
					own.start(t)
					foreign.start(t)
				} else {
					foreign.start(t)
					own.start(t)
				}
				sum := load(t, url, queue, calls, "-c", "16", "--fib", "5-12")
				a, b := sum.by("fib-1"), sum.by(library.prefix+"1")
				if a+b != calls || a < calls/20 || b < calls/20 || sum.Replies.Duplicates != 0 {
					t.Errorf("ours sent %d replies and theirs %d to %d calls, %d duplicates", a, b, calls, sum.Replies.Duplicates)
				}
				foreign.stop(t)
				if d := drainedOf(t, own.stop(t)); d.Requests != int64(a) || d.Redelivered != 0 {
					t.Errorf("our server has %+v, %d replies came from it", d, a)
				}
				if n := ready(t, url, queue); n != 0 {
					t.Errorf("%d requests were requeued", n)
				}
			})
		}
	}
}

// `--queue-type auto` declares a missing queue as today's tutorial does, so that a server that follows the tutorial can join.
func TestAutoDeclaresWhatTheirServerDeclares(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	own := serve(t, url, "fib-", ours(t, "fibserver"), "--queue", queue)
	own.start(t)
	foreign := serve(t, url, "pika-", theirs(t, "pika_server"), "--queue", queue, "--declare", "quorum")
	foreign.start(t)
	foreign.stop(t)
	own.stop(t)
}

// A declaration that contradicts the existing queue is an error, and does not disturb the foreign server.
func TestContradictingDeclaration(t *testing.T) {
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	foreign := serve(t, url, "pika-", theirs(t, "pika_server"), "--queue", queue, "--declare", "classic")
	foreign.start(t)
	for _, kind := range []string{"quorum", "transient"} {
		got := run(t, url, ours(t, "fibserver"), "--queue", queue, "--queue-type", kind, "--quiet")
		if got.code == 0 || got.stdout != "" || strings.Count(got.stderr, "\n") > 2 || !strings.Contains(got.stderr, "PRECONDITION_FAILED") || !strings.Contains(got.stderr, queue) {
			t.Errorf("%s on a classic queue: exit code %d, stdout %q, stderr %q", kind, got.code, got.stdout, got.stderr)
		}
	}
	load(t, url, queue, 20, "--fib", "5")
	foreign.stop(t)
}
