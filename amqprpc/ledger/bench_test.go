package ledger

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"rpcscope/amqprpc"
)

// typical returns the events of successful calls, with 64 of them in flight.
func typical(calls int) []amqprpc.Event {
	const inFlight = 64
	events := make([]amqprpc.Event, 0, 4*calls)
	step := 50 * time.Microsecond
	for i := range calls + inFlight {
		t := time.Duration(i) * step
		if i < calls {
			id := callID(i)
			events = append(events, sent(id, t), published(id, t+time.Microsecond, "30"), confirmed(id, t+20*time.Microsecond))
		}
		if j := i - inFlight; j >= 0 {
			events = append(events, answer(callID(j), t+30*time.Microsecond, fmt.Sprintf("fib-%d", j%4), "832040"))
		}
	}
	return events
}

// shift moves all events later, so that they can be applied again.
func shift(events []amqprpc.Event, by time.Duration) {
	for i := range events {
		e := &events[i]
		e.Time = e.Time.Add(by)
		if !e.Intended.IsZero() {
			e.Intended, e.Deadline = e.Intended.Add(by), e.Deadline.Add(by)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	l := New(Config{})
	events := typical(1 << 14)
	span := events[len(events)-1].Time.Sub(epoch)
	observe(l, events...)
	shift(events, span)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		j := i % len(events)
		if j == 0 && i > 0 {
			b.StopTimer()
			shift(events, span)
			b.StartTimer()
		}
		l.Observe(events[j])
	}
}

// BenchmarkApplyDuplicates measures a flood of discarded replies.
func BenchmarkApplyDuplicates(b *testing.B) {
	l := New(Config{})
	events := typical(1 << 10)
	observe(l, events...)
	var floods []amqprpc.Event
	for i := range 1 << 10 {
		floods = append(floods, discarded(amqprpc.Duplicate, callID(i), time.Second, "fib-2"))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		l.Observe(floods[i%len(floods)])
	}
}

func BenchmarkSnapshot(b *testing.B) {
	q := Query{
		InFlight: 20, Completed: 20, Failed: 20, Duplicates: 20, Orphans: 20, Seconds: 60, Bars: 24, Connection: 5,
	}
	for _, calls := range []int{1e3, 1e6} {
		b.Run(fmt.Sprint(calls), func(b *testing.B) {
			l := New(Config{})
			events := typical(1000)
			span := events[len(events)-1].Time.Sub(epoch)
			for range calls / 1000 {
				observe(l, events...)
				observe(l, discarded(amqprpc.Duplicate, callID(999), span, "fib-2"), discarded(amqprpc.Unknown, "x", span, "fib-3"))
				shift(events, span)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				l.Snapshot(q)
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	events := typical(1 << 14)
	r := NewRecorder(io.Discard, HeaderLine{})
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r.Observe(events[i%len(events)])
	}
}

func recording(calls int) []byte {
	var buf bytes.Buffer
	r := NewRecorder(&buf, HeaderLine{})
	observe(r, typical(calls)...)
	if err := r.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// BenchmarkRead reads events; one operation is one event. BenchmarkReplay also applies them.
func BenchmarkRead(b *testing.B) {
	file := recording(1 << 14)
	b.SetBytes(int64(len(file) / (4 << 14)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		for ; i < b.N; i++ {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	const calls = 200_000
	file := recording(calls)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, n, err := Replay(bytes.NewReader(file), New(Config{})); err != nil || n != 4*calls {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(4*calls), "ns/event")
}
