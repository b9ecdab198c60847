package replay

import (
	"maps"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// ids has the number of the last event of each correlation ID.
type ids map[string]int

// note notes an event. A confirm decides nothing, and may come when the ledger has forgotten the call.
func (x ids) note(e event, number int) {
	if e.id != "" && e.kind != amqprpc.EventConfirmed {
		x[e.id] = number
	}
}

// find returns the first n IDs with a prefix, in order.
func (x ids) find(prefix string, n int) []string { return ledger.FirstIDs(prefix, n, maps.Keys(x)) }
