package replay

import (
	"context"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A grain says how finely a recording is gone through.
type grain struct {
	// batch is how many events are gone through at once: a millisecond's work or less.
	batch int
	// spacing is how many events are between checkpoints at first, a multiple of batch.
	spacing int
	// checkpoints is how many an index holds at most, besides those of the beginning and the end.
	checkpoints int
	// waiting is how many calls in flight they hold together at most. A ledger forgets all
	// but those: half a kilobyte each.
	waiting int
}

// usualGrain makes a seek in a recording of 200,000 calls a matter of 100 ms, for 60 MB.
var usualGrain = grain{batch: 512, spacing: 1 << 14, checkpoints: 16, waiting: 1 << 18}

// An index knows what is where in a recording, as far as it has been read.
type index struct {
	grain       grain
	mu          sync.Mutex
	checkpoints []checkpoint // in order; the first one is the beginning
	end         *checkpoint  // once all has been read
	spacing     int          // of the checkpoints
	events      int
	now         time.Duration // of the last event
	offset      int64         // how far it has been read
	marks       marks
	ids         ids
	strip       strip
	done        bool
	damage      error
	contradicts error
}

func newIndex(begin checkpoint, g grain) *index {
	return &index{grain: g, checkpoints: []checkpoint{begin}, spacing: g.spacing}
}

// read reads the recording from its begin to its end, unless ctx ends first.
func (x *index) read(ctx context.Context, c *cursor) {
	for ctx.Err() == nil {
		x.note(c)
		if c.atEnd() {
			x.finish(c)
			return
		}
		if c.events%x.spacing == 0 { // of which this goroutine is the only writer
			x.keep(c)
		}
	}
}

// note goes through a batch of events.
func (x *index) note(c *cursor) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for range x.grain.batch {
		if c.atEnd() {
			break
		}
		c.step()
		found := c.last.incident()
		x.marks.add(c.events, found)
		x.strip.add(c.now, found)
		x.ids.note(c.last, c.events)
	}
	x.events, x.now, x.offset = c.events, c.now, c.place.Offset
}

// keep makes a checkpoint of where c is, unless it would be too large.
func (x *index) keep(c *cursor) {
	waiting := int(c.books.Snapshot(ledger.Query{}).Calls.InFlight)
	if waiting > x.grain.waiting {
		return
	}
	at := c.clone()
	at.waiting = waiting
	x.mu.Lock()
	defer x.mu.Unlock()
	x.checkpoints = append(x.checkpoints, at)
	for x.tooMany() { // every other one goes; the beginning never does
		x.spacing *= 2
		x.checkpoints = slices.DeleteFunc(x.checkpoints, func(c checkpoint) bool { return c.events%x.spacing != 0 })
	}
}

func (x *index) tooMany() bool {
	waiting := 0
	for i := range x.checkpoints {
		waiting += x.checkpoints[i].waiting
	}
	return waiting > x.grain.waiting || len(x.checkpoints) > 1+x.grain.checkpoints
}

func (x *index) finish(c *cursor) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.done, x.end = true, &c.checkpoint
	if c.err != io.EOF {
		x.damage = c.err
	}
	end := c.books.Snapshot(ledger.Query{InFlight: math.MaxInt, Text: 1})
	for i := range end.InFlight {
		x.ids.add(end.InFlight[i].ID, c.events)
	}
	x.contradicts = Contradictions(&end)
}

// before returns the last checkpoint that is not beyond a goal. Its books are not to be
// written to.
func (x *index) before(g goal) checkpoint {
	if x.end != nil && !g.passed(x.end) {
		return *x.end
	}
	at := x.checkpoints[0]
	for i := range x.checkpoints[1:] {
		if c := &x.checkpoints[1+i]; !g.passed(c) {
			at = *c
		}
	}
	return at
}

// share is how much of the recording has been read, 1 only where all has been.
func (x *index) share(size int64) float64 {
	if x.done {
		return 1
	}
	return min(float64(x.offset)/float64(max(size, 1)), 0.999)
}

// strips is how many equal parts of a recording are told apart on a bar.
const strips = 512

// A strip says in which parts of the time there were incidents. Parts become twice as long
// whenever they do not reach to the end.
type strip struct {
	part  time.Duration // the length of one
	found [strips]lab.Incident
}

func (s *strip) add(now time.Duration, found lab.Incident) {
	if s.part == 0 {
		s.part = time.Millisecond
	}
	for now/s.part >= strips {
		s.part *= 2
		for i := range strips / 2 {
			s.found[i] = s.found[2*i] | s.found[2*i+1]
		}
		clear(s.found[strips/2:])
	}
	s.found[now/s.part] |= found
}

// upTo returns the parts up to the one that now is in, and how long one is.
func (s *strip) upTo(now time.Duration) ([]lab.Incident, time.Duration) {
	if s.part == 0 {
		return nil, 0
	}
	return slices.Clone(s.found[:min(now/s.part, strips-1)+1]), s.part
}
