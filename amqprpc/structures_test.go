package amqprpc

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// All deadlines are of the monotonic clock, those of contexts too that only know the wall
// clock: else one set back would have calls outlive theirs, behind another in the heap.
func TestDeadlinesAreMonotonic(t *testing.T) {
	c := Client{cfg: Config{Timeout: time.Second}}
	now := time.Now()
	for name, at := range map[string]time.Time{
		"of the wall clock": now.Round(0).Add(time.Minute), "past": now.Round(0).Add(-time.Minute),
		"off the wire": time.UnixMicro(now.UnixMicro()).Add(time.Minute), "of both": now.Add(time.Minute),
	} {
		ctx, cancel := context.WithDeadline(context.Background(), at)
		defer cancel()
		for _, timeout := range []time.Duration{0, time.Hour} {
			d := c.deadlineOf(ctx, Request{Timeout: timeout}, now)
			if !d.Equal(at) || !strings.Contains(d.String(), " m=") {
				t.Errorf("%s: %v, want %v with a monotonic reading", name, d, at)
			}
		}
	}
}

// The heap gives out calls by deadline, whichever ended in between.
func TestDeadlinesHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begin := time.Now()
		var h deadlines
		in := map[*Call]bool{}
		var all []*Call
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				c := &Call{deadline: begin.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "at"))), heapIndex: -1}
				h.add(c)
				in[c] = true
				all = append(all, c)
			},
			"remove": func(t *rapid.T) { // also one that has left before
				if len(all) == 0 {
					return
				}
				c := rapid.SampledFrom(all).Draw(t, "call")
				h.remove(c)
				delete(in, c)
			},
			"": func(t *rapid.T) {
				if len(h) != len(in) {
					t.Fatalf("%d calls, want %d", len(h), len(in))
				}
				for i, c := range h {
					if !in[c] || c.heapIndex != i {
						t.Fatalf("index %d, place %d, should be in: %v", c.heapIndex, i, in[c])
					}
				}
				for c := range in {
					if c.deadline.Before(h[0].deadline) {
						t.Fatal("the earliest deadline is not on top")
					}
				}
			},
		})
	})
}

// Calls leave the outbox in order, and from anywhere in it.
func TestOutbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outbox
		var model, gone []*Call
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				c := &Call{}
				if len(gone) > 0 && rapid.Bool().Draw(t, "again") {
					c, gone = gone[0], gone[1:]
				}
				o.push(c)
				model = append(model, c)
			},
			"remove": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "which")
				c := model[i]
				o.remove(c)
				o.remove(c) // does nothing any more
				model = slices.Delete(model, i, i+1)
				gone = append(gone, c)
			},
			"": func(t *rapid.T) {
				var forward, backward []*Call
				for c := o.first; c != nil; c = c.next {
					forward = append(forward, c)
				}
				for c := o.last; c != nil; c = c.prev {
					backward = append(backward, c)
				}
				slices.Reverse(backward)
				if !slices.Equal(forward, model) || !slices.Equal(backward, model) {
					t.Fatalf("forward %d, backward %d, want %d calls in order", len(forward), len(backward), len(model))
				}
				for _, c := range gone {
					if c.queued || c.prev != nil || c.next != nil {
						t.Fatal("a call that left holds on")
					}
				}
			},
		})
	})
}

// The memory against a list of what was put, newest last.
func TestMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			key, value int
			at         time.Time
		}
		most := rapid.IntRange(-1, 100).Draw(t, "most")
		age := time.Duration(rapid.IntRange(0, 20).Draw(t, "age"))
		m := newMemory[int, int](most, age)
		now := time.Now()
		var model []entry
		value := 0
		t.Repeat(map[string]func(*rapid.T){
			"pass": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "for"))) },
			"put": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "n") {
					value++
					e := entry{rapid.IntRange(0, 150).Draw(t, "key"), value, now}
					m.put(e.key, e.value, now)
					model = append(model, e)
				}
			},
			"": func(t *rapid.T) {
				if len(m.order) > max(most, 0) || len(m.entries) > max(most, 0) {
					t.Fatalf("a ring of %d and %d entries, for at most %d", len(m.order), len(m.entries), most)
				}
				held := 0
				for _, slot := range m.order {
					if slot.value != 0 {
						held++
					}
				}
				if held != len(m.entries) {
					t.Fatalf("%d values are held for %d keys", held, len(m.entries))
				}
				recent := model[max(0, len(model)-max(most, 0)):]
				for key := range 151 {
					want, known := entry{}, false
					for _, e := range recent {
						if e.key == key {
							want, known = e, now.Sub(e.at) <= age
						}
					}
					got, ok := m.get(key, now)
					if ok != known || ok && (got.value != want.value || !got.at.Equal(want.at)) {
						t.Fatalf("key %d: got %+v, %v; want %+v, %v", key, got, ok, want, known)
					}
				}
			},
		})
	})
}

// broker is what RabbitMQ does with acks, and minds.
type ackBook struct {
	t       *rapid.T
	open    []uint64 // delivered and not settled, in order
	verdict map[uint64]verdict
	frames  int
}

func (b *ackBook) take(tag uint64, multiple bool, v verdict) {
	b.frames++
	i, found := slices.BinarySearch(b.open, tag)
	if !found {
		b.t.Fatalf("tag %d is unknown: RabbitMQ would close the channel", tag)
	}
	taken := b.open[i : i+1]
	if multiple {
		taken = b.open[:i+1]
	}
	for _, tag := range taken {
		b.verdict[tag] = v
	}
	b.open = slices.Delete(b.open, i+1-len(taken), i+1)
}

func (b *ackBook) Ack(tag uint64, multiple bool) { b.take(tag, multiple, accept) }
func (b *ackBook) Reject(tag uint64, again bool) {
	if again {
		b.t.Fatal("a refused request would come again")
	}
	b.take(tag, false, refuse)
}
func (b *ackBook) Nack(tag uint64, multiple, again bool) {
	if multiple || !again {
		b.t.Fatal("nack of other requests, or without requeue")
	}
	b.take(tag, false, requeue)
}

// Whatever the order in which requests are settled, each gets its own verdict,
// exactly once, and none before it was settled.
func TestAckOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "deliveries")
		var tags []uint64
		for tag := range n {
			tags = append(tags, uint64(tag+1))
		}
		book := &ackBook{t: t, open: slices.Clone(tags), verdict: map[uint64]verdict{}}
		order := tags
		if rapid.Bool().Draw(t, "shuffled") {
			order = rapid.Permutation(tags).Draw(t, "order")
		}
		want := map[uint64]verdict{}
		var o ackOrder
		for rest := order; len(rest) > 0; {
			size := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			var batch []settlement
			for _, tag := range rest[:size] {
				v := rapid.SampledFrom([]verdict{accept, accept, accept, refuse, requeue}).Draw(t, "verdict")
				want[tag] = v
				batch = append(batch, settlement{tag, v})
			}
			rest = rest[size:]
			o.settle(batch, book)
			for _, tag := range tags {
				got, settled := book.verdict[tag]
				v, due := want[tag]
				if settled != due || got != v {
					t.Fatalf("tag %d: settled %v as %d, due %v as %d", tag, settled, got, due, v)
				}
			}
		}
		if !slices.Equal(o.settled, []run{{0, uint64(n)}}) {
			t.Fatalf("after all %d tags %v is remembered", n, o.settled)
		}
	})
}

// A request that is not settled for long makes nothing grow, however many are settled meanwhile.
func TestAckOrderForgets(t *testing.T) {
	book := &ackBook{verdict: map[uint64]verdict{}}
	var o ackOrder
	const long = 10 // the tag of that request
	for tag := range uint64(10_000) {
		if tag++; tag == long {
			continue
		}
		book.open = append(book.open, tag)
		o.settle([]settlement{{tag, accept}}, book)
	}
	if len(o.settled) != 2 || cap(o.settled) > 16 || len(book.open) != 0 {
		t.Errorf("%d runs are remembered of one request that is not settled, %d are unacked", len(o.settled), len(book.open))
	}
	book.open = append(book.open, long)
	if o.settle([]settlement{{long, accept}}, book); len(o.settled) != 1 || len(book.open) != 0 {
		t.Errorf("%d runs are remembered of none, %d are unacked", len(o.settled), len(book.open))
	}
}

// Acks in the order of delivery are one frame a batch: the reason to have ackOrder.
func TestAckOrderIsFrugal(t *testing.T) {
	book := &ackBook{verdict: map[uint64]verdict{}}
	var batch []settlement
	for tag := range uint64(100) {
		book.open = append(book.open, tag+1)
		batch = append(batch, settlement{tag + 1, accept})
	}
	var o ackOrder
	if o.settle(batch, book); book.frames != 1 || len(book.open) != 0 {
		t.Errorf("%d frames for 100 acks, %d left", book.frames, len(book.open))
	}
}

// The first wait is between the half of First and all of it, the last ones so of Most, and none
// is longer.
func TestBackoffIsBounded(t *testing.T) {
	for _, b := range []Backoff{
		{}, {First: time.Second, Most: time.Millisecond}, {First: time.Millisecond, Most: time.Minute},
		{First: math.MaxInt64}, {Most: math.MaxInt64},
	} {
		b = b.orDefaults()
		const tolerance = 2048 // ns: what a float64 knows of three centuries
		within := func(what string, d, of time.Duration) {
			if d < of/2-tolerance || d-tolerance > of {
				t.Fatalf("%+v: the %s wait is %v", b, what, d)
			}
		}
		for range 1000 {
			e := newBackoff(b)
			within("first", e.NextBackOff(), b.First)
			for range 70 { // 2^63 is beyond any duration
				if d := e.NextBackOff(); d <= 0 || d-tolerance > b.Most {
					t.Fatalf("%+v: a wait of %v", b, d)
				}
			}
			within("last", e.NextBackOff(), b.Most)
		}
	}
}
