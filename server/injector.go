package server

import (
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"weak"

	"rpcscope/amqprpc"
)

// A faultSet has a bit for each fault that is injected into one request, in the order of
// faultTable.
type faultSet uint16

const (
	crashBeforeAck faultSet = 1 << iota
	crashBeforeReply
	earlyAck
	duplicate
	unknown
	drop
	injectedError
	injectedPanic
	slow
)

// hookFaults are injected after the handler has returned.
const hookFaults = crashBeforeAck | crashBeforeReply | earlyAck | duplicate | unknown | drop

// String returns the names of the faults, comma separated.
func (s faultSet) String() string {
	var names []string
	for i, f := range faultTable {
		if s&(1<<i) != 0 {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ",")
}

// An injector decides which faults are injected into a request.
//
// Each fault has its own random stream, seeded by the seed and the fault's name, and request
// k uses number k of every stream. So another fault, or another probability of one, does not
// change the decisions about the others.
//
// Requests are counted in the order in which they reach Handle. With several workers the set
// of decisions stays the same, but not which request gets which.
type injector struct {
	faults Faults

	mu      sync.Mutex
	streams []*rand.Rand
}

func newInjector(f Faults, seed int64) *injector {
	in := &injector{faults: f}
	for _, f := range faultTable {
		if f.chance != nil {
			h := fnv.New64a()
			h.Write([]byte(f.name))
			in.streams = append(in.streams, rand.New(rand.NewPCG(uint64(seed), h.Sum64())))
		}
	}
	return in
}

// next returns the faults of the next request.
func (in *injector) next() faultSet {
	in.mu.Lock()
	defer in.mu.Unlock()
	var set faultSet
	for i, stream := range in.streams {
		// Float64 is in [0, 1): 0 never hits and 1 always does.
		if stream.Float64() < *faultTable[i].chance(&in.faults) {
			set |= 1 << i
		}
	}
	return set
}

// pendingFaults keeps the faults of requests between Handle and the hooks. It holds requests
// by weak pointers, since a request whose connection is lost never reaches the hooks.
type pendingFaults struct{ m sync.Map } // weak.Pointer[amqprpc.Request] to faultSet

func (p *pendingFaults) put(req *amqprpc.Request, set faultSet) {
	key := weak.Make(req)
	p.m.Store(key, set)
	runtime.AddCleanup(req, func(key weak.Pointer[amqprpc.Request]) { p.m.Delete(key) }, key)
}

// get returns 0 for a request that Handle has not seen.
func (p *pendingFaults) get(req *amqprpc.Request) faultSet {
	v, _ := p.m.Load(weak.Make(req))
	set, _ := v.(faultSet)
	return set
}

func (p *pendingFaults) remove(req *amqprpc.Request) { p.m.Delete(weak.Make(req)) }
