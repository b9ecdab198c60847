package ledger_test

import (
	"bytes"
	"cmp"
	"fmt"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// A client reports to a ledger and to a recorder. The recording gives the same snapshot.
func Example() {
	var file bytes.Buffer
	recorder := ledger.NewRecorder(&file, ledger.HeaderLine{By: "an example"})
	live := ledger.New(ledger.Config{})
	both := amqprpc.ObserverFunc(func(e amqprpc.Event) {
		live.Observe(e)
		recorder.Observe(e)
	})
	client(both)
	if err := recorder.Close(); err != nil {
		fmt.Println(err)
	}

	replayed := ledger.New(ledger.Config{})
	_, n, err := ledger.Replay(&file, replayed)
	fmt.Println(n, "events,", err)
	for _, l := range []*ledger.Ledger{live, replayed} {
		s := l.Snapshot(ledger.Query{Duplicates: 1})
		fmt.Printf("sent %d, completed %d, duplicates %d\n", s.Calls.Sent, s.Calls.Completed, s.Replies.Duplicates)
		d := s.Duplicates[0]
		fmt.Printf("reply %d to %s, from %s, %v after the one from %s\n", d.Nth, d.ID, d.Server, d.Since, d.AnsweredBy)
	}
	story, _ := replayed.Inspect("7f3a91c2")
	for _, e := range story.Events {
		fmt.Printf("%4d ms  %v\n", e.Time.Sub(story.Sent).Milliseconds(), cmp.Or(e.Class.String(), e.Kind.String()))
	}
	// Output:
	// 4 events, <nil>
	// sent 1, completed 1, duplicates 1
	// reply 2 to 7f3a91c2, from fib-2, 1.2s after the one from fib-1
	// sent 1, completed 1, duplicates 1
	// reply 2 to 7f3a91c2, from fib-2, 1.2s after the one from fib-1
	//    0 ms  sent
	//    1 ms  published
	//   38 ms  answer
	// 1238 ms  duplicate
}

// client stands in for an amqprpc.Client.
func client(o amqprpc.Observer) {
	t := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	const id = "7f3a91c2"
	o.Observe(amqprpc.Event{Kind: amqprpc.EventSent, Time: t, ID: id, Intended: t})
	o.Observe(amqprpc.Event{Kind: amqprpc.EventPublished, Time: t.Add(time.Millisecond), ID: id, Attempt: 1,
		Message: &amqprpc.Message{RoutingKey: "rpc_queue", CorrelationID: id, Body: []byte("30")}})
	o.Observe(amqprpc.Event{Kind: amqprpc.EventReply, Time: t.Add(38 * time.Millisecond), ID: id,
		Class: amqprpc.Answer, Outcome: amqprpc.Completed,
		Message: &amqprpc.Message{CorrelationID: id, AppID: "fib-1", Body: []byte("832040")}})
	o.Observe(amqprpc.Event{Kind: amqprpc.EventReply, Time: t.Add(1238 * time.Millisecond), ID: id,
		Class: amqprpc.Duplicate, Outcome: amqprpc.Completed, Since: 1200 * time.Millisecond, AnsweredBy: "fib-1",
		Message: &amqprpc.Message{CorrelationID: id, AppID: "fib-2", Body: []byte("832040")}})
}
