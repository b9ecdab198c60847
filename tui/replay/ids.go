package replay

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// ids has the correlation IDs of a recording, once for each event that ends a call or discards a reply.
// An ID that is a UUID takes 20 bytes an event.
type ids struct {
	uuids []uuidAt
	other []idAt
}

type uuidAt struct {
	id    uuid.UUID
	event uint32
}

type idAt struct {
	id    string
	event uint32
}

// note adds the ID of an event if it ends a call or discards a reply.
func (x *ids) note(e event, number int) {
	switch e.kind {
	case amqprpc.EventReply, amqprpc.EventFailed, ledger.EventWrong:
		x.add(e.id, number)
	}
}

func (x *ids) add(id string, number int) {
	if id == "" || uint64(number) > math.MaxUint32 {
		return
	}
	if u, ok := parseUUID(id); ok {
		x.uuids = append(x.uuids, uuidAt{u, uint32(number)})
	} else {
		x.other = append(x.other, idAt{id, uint32(number)})
	}
}

// parseUUID parses a UUID in its canonical form; uuid.Parse accepts other forms too.
func parseUUID(id string) (uuid.UUID, bool) {
	u, err := uuid.Parse(id)
	return u, err == nil && u.String() == id
}

// find returns the first n IDs with a prefix, in order.
func (x *ids) find(prefix string, n int) []string {
	var found []string
	const lowest, highest = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
	if len(prefix) <= len(lowest) {
		from, ok := parseUUID(prefix + lowest[len(prefix):])
		to, _ := parseUUID(prefix + highest[len(prefix):])
		for i := 0; ok && i < len(x.uuids); i++ {
			if u := &x.uuids[i].id; bytes.Compare(u[:], from[:]) >= 0 && bytes.Compare(u[:], to[:]) <= 0 {
				found = insert(found, u.String(), n)
			}
		}
	}
	for i := range x.other {
		if id := x.other[i].id; strings.HasPrefix(id, prefix) {
			found = insert(found, id, n)
		}
	}
	return found
}

// insert inserts an ID into sorted IDs if it is missing, and keeps the first n.
func insert(found []string, id string, n int) []string {
	i, ok := slices.BinarySearch(found, id)
	if ok || i >= n {
		return found
	}
	return slices.Insert(found[:min(len(found), n-1)], i, id)
}

// last returns the last event of an ID, or 0 if there is none.
func (x *ids) last(id string) int {
	if u, ok := parseUUID(id); ok {
		for i := len(x.uuids) - 1; i >= 0; i-- {
			if x.uuids[i].id == u {
				return int(x.uuids[i].event)
			}
		}
		return 0
	}
	for i := len(x.other) - 1; i >= 0; i-- {
		if x.other[i].id == id {
			return int(x.other[i].event)
		}
	}
	return 0
}
