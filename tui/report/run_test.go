package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

var config = RunConfig{Queue: "rpc_queue", Concurrency: 64, Fib: "30", TimeoutMS: 5000, Seed: 1}

// The JSON object is an API: keys, their order and their values.
func TestSummaryJSON(t *testing.T) {
	l := ledger.New(ledger.Config{})
	check := func(name, want string) {
		t.Helper()
		s := l.Snapshot(ledger.Query{})
		got, err := json.Marshal(Summarize(&s, config))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
	check("empty", `{"calls":{"sent":0,"completed":0,"failed":0,"in_flight":0},`+
		`"failures":{"timeout":0,"canceled":0,"unroutable":0,"rejected":0,"expired":0,"remote":0,"connection_lost":0,"closed":0},`+
		`"replies":{"received":0,"answers":0,"duplicates":0,"late":0,"unknown":0},"throughput_per_s":0,"elapsed_s":0,`+
		`"response_ms":{"p50":0,"p90":0,"p99":0,"p999":0,"max":0,"mean":0},"service_ms":{"p50":0,"p90":0,"p99":0,"p999":0,"max":0,"mean":0},`+
		`"servers":[],"broker":{"product":"","version":""},`+
		`"config":{"queue":"rpc_queue","concurrency":64,"rate":0,"fib":"30","timeout_ms":5000,"seed":1}}`)

	at := func(ms int) time.Time { return time.Unix(1767366245, 0).Add(time.Duration(ms) * time.Millisecond) }
	tell := func(ms int, kind amqprpc.EventKind, id string, e amqprpc.Event) {
		e.Kind, e.Time, e.ID = kind, at(ms), id
		l.Observe(e)
	}
	reply := func(ms int, id, server string, class amqprpc.Class, outcome amqprpc.Outcome) {
		tell(ms, amqprpc.EventReply, id, amqprpc.Event{Class: class, Outcome: outcome, Message: &amqprpc.Message{CorrelationID: id, AppID: server}})
	}
	tell(0, amqprpc.EventConnected, "", amqprpc.Event{Connection: &amqprpc.ConnectionInfo{Product: "RabbitMQ", Version: "4.2.1"}})
	tell(0, amqprpc.EventSent, "completed", amqprpc.Event{})
	tell(1, amqprpc.EventPublished, "completed", amqprpc.Event{Attempt: 1})
	reply(10, "completed", "fib-1", amqprpc.Answer, amqprpc.Completed)
	for _, id := range []string{"remote", "timeout", "open"} {
		tell(10, amqprpc.EventSent, id, amqprpc.Event{})
	}
	reply(25, "remote", "fib-2", amqprpc.Answer, amqprpc.Remote)
	tell(30, amqprpc.EventFailed, "timeout", amqprpc.Event{Outcome: amqprpc.Timeout})
	reply(40, "completed", "fib-2", amqprpc.Duplicate, amqprpc.Completed)
	reply(45, "timeout", "fib-2", amqprpc.Late, amqprpc.Timeout)
	reply(50, "x", "fib-2", amqprpc.Unknown, amqprpc.InFlight)
	ledger.NewTee(l).Wrong(at(50), "completed", "no")
	check("a call of each kind", `{"calls":{"sent":4,"completed":1,"failed":2,"in_flight":1,"wrong":1},`+
		`"failures":{"timeout":1,"canceled":0,"unroutable":0,"rejected":0,"expired":0,"remote":1,"connection_lost":0,"closed":0},`+
		`"replies":{"received":5,"answers":2,"duplicates":1,"late":1,"unknown":1},"throughput_per_s":20,"elapsed_s":0.05,`+
		`"response_ms":{"p50":10.007,"p90":15,"p99":15,"p999":15,"max":15,"mean":12.5},"service_ms":{"p50":9.007,"p90":15,"p99":15,"p999":15,"max":15,"mean":12},`+
		`"servers":[{"name":"fib-1","replies":1,"share":0.2},{"name":"fib-2","replies":4,"share":0.8}],"broker":{"product":"RabbitMQ","version":"4.2.1"},`+
		`"config":{"queue":"rpc_queue","concurrency":64,"rate":0,"fib":"30","timeout_ms":5000,"seed":1}}`)
}

// The header line of a recording is a contract. A terminal can show it, and the config read from it is the one
// written.
func TestHeader(t *testing.T) {
	hostile := RunConfig{Queue: "a\nb", Rate: 0.5, Body: new("\x1b[2J\x7f\u009b\u202e<\xff"), Expect: "é"}
	for _, c := range []struct {
		cfg  RunConfig
		want string
	}{
		{config, `{"queue":"rpc_queue","concurrency":64,"rate":0,"fib":"30","timeout_ms":5000,"seed":1}`},
		{hostile, `{"queue":"a\nb","concurrency":0,"rate":0.5,"fib":"","timeout_ms":0,"seed":0,"body":"\u001b[2J\u007f\u009b\u202e\u003c\ufffd","expect":"é"}`},
	} {
		var file bytes.Buffer
		r := ledger.NewRecorder(&file, Header("a test", c.cfg))
		r.Observe(amqprpc.Event{Kind: amqprpc.EventSent, Time: time.Date(2026, 1, 2, 15, 4, 5, 678e6, time.UTC)})
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(file.String(), "\n")
		if want := `{"format":"rpcscope recording","version":1,"start":"2026-01-02T15:04:05.678Z","by":"a test","config":` + c.want + `}`; line != want {
			t.Errorf("got  %s\nwant %s", line, want)
		}
		read, _, err := ledger.Replay(&file, ledger.New(ledger.Config{}))
		if err != nil {
			t.Fatal(err)
		}
		if c.cfg.Body != nil {
			c.cfg.Body = new(strings.ToValidUTF8(*c.cfg.Body, "\ufffd"))
		}
		if got, err := ConfigOf(read); err != nil || !reflect.DeepEqual(got, c.cfg) {
			t.Errorf("read %+v, %v", got, err)
		}
	}
}

// A bad config is an error of line 1. A recording may have no config.
func TestConfigOf(t *testing.T) {
	_, err := ConfigOf(ledger.HeaderLine{Config: []byte(`{"queue":5}`)})
	var damage *ledger.RecordingError
	if !errors.As(err, &damage) || damage.Line != 1 || !errors.Is(err, ledger.ErrSyntax) {
		t.Error(err)
	}
	if cfg, err := ConfigOf(ledger.HeaderLine{}); err != nil || cfg != (RunConfig{}) {
		t.Errorf("%+v, %v", cfg, err)
	}
}
