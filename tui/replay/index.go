package replay

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// A grain has the sizes of an index.
type grain struct {
	// batch is the number of events processed under one lock: a millisecond's work or less.
	batch int
	// spacing is the initial number of events between checkpoints, a multiple of batch.
	spacing int
	// checkpoints is the maximum number of checkpoints, not counting the beginning and the end.
	checkpoints int
	// inFlight is the maximum number of calls in flight in all checkpoints together. They are the only
	// part of a ledger without a bound of its own: half a kilobyte each.
	inFlight int
}

// defaultGrain makes a seek in a recording of 200,000 calls take 100 to 200 ms, for 60 MB.
var defaultGrain = grain{batch: 512, spacing: 1 << 14, checkpoints: 16, inFlight: 1 << 18}

// An index knows the places in a recording, as far as it has been read.
type index struct {
	grain       grain
	mu          sync.Mutex
	checkpoints []checkpoint // in order; the first one is the beginning
	end         *checkpoint  // nil until all has been read
	spacing     int          // of the checkpoints
	events      int
	now         time.Duration // of the last event
	offset      int64         // in the file
	marks       marks
	ids         ids
	strip       strip
	done        bool
	damage      error
	contradicts error
}

func newIndex(begin checkpoint, g grain) *index {
	return &index{grain: g, checkpoints: []checkpoint{begin}, spacing: g.spacing, ids: ids{}}
}

// read reads the recording to its end, unless ctx ends first. c is at its beginning.
func (x *index) read(ctx context.Context, c *cursor) {
	for ctx.Err() == nil {
		x.readBatch(c)
		if c.atEnd() {
			x.finish(c)
			return
		}
		if c.events%x.spacing == 0 { // only this goroutine writes spacing
			x.addCheckpoint(c)
		}
	}
}

func (x *index) readBatch(c *cursor) {
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

// addCheckpoint adds a checkpoint at c, unless it alone would have too many calls in flight.
func (x *index) addCheckpoint(c *cursor) {
	inFlight := int(c.state.Snapshot(ledger.Query{}).Calls.InFlight)
	if inFlight > x.grain.inFlight {
		return
	}
	at := c.clone()
	at.inFlight = inFlight
	x.mu.Lock()
	defer x.mu.Unlock()
	x.checkpoints = append(x.checkpoints, at)
	for x.full() { // drop every other one, but never the beginning
		x.spacing *= 2
		x.checkpoints = slices.DeleteFunc(x.checkpoints, func(c checkpoint) bool { return c.events%x.spacing != 0 })
	}
}

// full reports whether there are too many checkpoints.
func (x *index) full() bool {
	inFlight := 0
	for i := range x.checkpoints {
		inFlight += x.checkpoints[i].inFlight
	}
	return inFlight > x.grain.inFlight || len(x.checkpoints) > 1+x.grain.checkpoints
}

func (x *index) finish(c *cursor) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.done, x.end = true, &c.checkpoint
	if c.err != io.EOF {
		x.damage = c.err
	}
	end := c.state.Snapshot(ledger.Query{})
	x.contradicts = Contradictions(&end)
}

// before returns the last checkpoint that is not beyond a goal. Its state must not change.
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

// share returns the part of the recording that has been read, 1 only if all has been.
func (x *index) share(size int64) float64 {
	if x.done {
		return 1
	}
	return min(float64(x.offset)/float64(max(size, 1)), 0.999)
}

// strips is the number of parts of a strip.
const strips = 512

// A strip has the incidents in equal parts of the recorded time. Whenever the parts do not reach to the
// end, they become twice as long.
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

// upTo returns the parts up to now, and the length of one.
func (s *strip) upTo(now time.Duration) ([]lab.Incident, time.Duration) {
	if s.part == 0 {
		return nil, 0
	}
	return slices.Clone(s.found[:min(now/s.part, strips-1)+1]), s.part
}
