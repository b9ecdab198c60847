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

// drawn are the faults that one request was dealt, as bits in the order of the list.
type drawn uint16

const (
	crashBeforeAck drawn = 1 << iota
	crashBeforeReply
	earlyAck
	duplicate
	unknown
	drop
	injectedError
	injectedPanic
	slow
)

// forHooks are those that happen after the handler has returned.
const forHooks = crashBeforeAck | crashBeforeReply | earlyAck | duplicate | unknown | drop

// String names the faults, comma separated.
func (d drawn) String() string {
	var names []string
	for i, k := range faults {
		if d&(1<<i) != 0 {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, ",")
}

// A dealer decides which faults befall a request.
//
// Each fault has a random stream of its own, made from the seed and its name, and
// the k-th request takes the k-th number of every stream, whatever the
// probabilities are. So the decision on a request depends on the seed, the fault,
// its probability and k alone: adding a fault leaves the others' decisions as they
// were, and a greater probability only adds requests to those that were hit.
//
// k counts the requests in the order in which they reach Handle: the broker's, at one
// worker; with several workers the set of decisions is the same, but not which
// request gets which. A restarted server begins again at k = 1.
type dealer struct {
	faults Faults

	mu      sync.Mutex
	streams []*rand.Rand
}

func newDealer(f Faults, seed int64) *dealer {
	d := &dealer{faults: f}
	for _, k := range faults {
		if k.chance != nil {
			h := fnv.New64a()
			h.Write([]byte(k.name))
			d.streams = append(d.streams, rand.New(rand.NewPCG(uint64(seed), h.Sum64())))
		}
	}
	return d
}

// next deals to the next request.
func (d *dealer) next() drawn {
	d.mu.Lock()
	defer d.mu.Unlock()
	var hit drawn
	for i, stream := range d.streams {
		// Float64 is in [0, 1): 0 never hits and 1 always does.
		if stream.Float64() < *faults[i].chance(&d.faults) {
			hit |= 1 << i
		}
	}
	return hit
}

// A memory hands what Handle has drawn for a request on to the hooks. It holds
// requests by weak pointers and forgets them when they are collected: a request that
// never gets to its ack (its connection was lost, say) leaves nothing behind, and
// its body is not kept alive.
type memory struct{ m sync.Map } // weak.Pointer[amqprpc.Request] to drawn

func (m *memory) put(req *amqprpc.Request, hit drawn) {
	key := weak.Make(req)
	m.m.Store(key, hit)
	runtime.AddCleanup(req, func(key weak.Pointer[amqprpc.Request]) { m.m.Delete(key) }, key)
}

// get returns 0 for a request that Handle has not seen.
func (m *memory) get(req *amqprpc.Request) drawn {
	hit, _ := m.m.Load(weak.Make(req))
	d, _ := hit.(drawn)
	return d
}

func (m *memory) drop(req *amqprpc.Request) { m.m.Delete(weak.Make(req)) }
