package replay

import (
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// ids are the correlation IDs of a recording. Each is there with every event that tells what
// became of it: an answer, a failure, a discarded reply. An ID that is a UUID takes 20 bytes
// an event.
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

// note adds the ID of an event, if it is one of those.
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
	if u, err := uuid.Parse(id); err == nil && u.String() == id { // Parse takes other forms, too
		x.uuids = append(x.uuids, uuidAt{u, uint32(number)})
		return
	}
	x.other = append(x.other, idAt{id, uint32(number)})
}

// find returns IDs that begin with prefix, in order, at most so many.
func (x *ids) find(prefix string, most int) []string {
	var found []string
	for i := range x.uuids {
		if u := &x.uuids[i].id; uuidBegins(u, prefix) {
			found = insert(found, u.String(), most)
		}
	}
	for i := range x.other {
		if id := x.other[i].id; strings.HasPrefix(id, prefix) {
			found = insert(found, id, most)
		}
	}
	return found
}

// insert adds an ID to IDs that are in order, once, and keeps the first ones.
func insert(found []string, id string, most int) []string {
	i, there := slices.BinarySearch(found, id)
	if there || i >= most {
		return found
	}
	return slices.Insert(found[:min(len(found), most-1)], i, id)
}

// uuidBegins reports whether u.String() begins with prefix.
func uuidBegins(u *uuid.UUID, prefix string) bool {
	const digits = "0123456789abcdef"
	digit := 0
	for i := range len(prefix) {
		switch i {
		case 8, 13, 18, 23:
			if prefix[i] != '-' {
				return false
			}
			continue
		case 36:
			return false
		}
		half := u[digit/2] >> 4
		if digit%2 == 1 {
			half = u[digit/2] & 15
		}
		if digits[half] != prefix[i] {
			return false
		}
		digit++
	}
	return true
}

// last returns the last event of an ID, 0 if there is none.
func (x *ids) last(id string) int {
	if u, err := uuid.Parse(id); err == nil && u.String() == id {
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
