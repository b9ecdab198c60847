package server

import (
	"hash/fnv"
	"math/rand/v2"
)

// The faults with a probability are indexes of faultTable.
const (
	crashBeforeAck = iota
	crashBeforeReply
	earlyAck
	duplicate
	unknown
	drop
	injectedError
	injectedPanic
	slow
)

// newStreams returns a random stream for each fault with a probability, seeded by the seed and the
// fault's name. So another fault, or another probability of one, does not change the decisions
// about the others.
func newStreams(seed int64) (streams []*rand.Rand) {
	for _, f := range faultTable {
		if f.chance != nil {
			h := fnv.New64a()
			h.Write([]byte(f.name))
			streams = append(streams, rand.New(rand.NewPCG(uint64(seed), h.Sum64())))
		}
	}
	return streams
}

// hits reports whether a fault is injected into a request. It is called once for each fault and
// request: request k uses number k of the fault's stream. Requests are counted in the order in
// which they get there. With several workers the set of decisions stays the same, but not which
// request gets which.
func (s *Service) hits(fault int) bool {
	if s.streams == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Float64 is in [0, 1): 0 never hits and 1 always does.
	return s.streams[fault].Float64() < *faultTable[fault].chance(&s.config.Faults)
}
