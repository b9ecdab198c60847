package amqprpc

import "container/heap"

// An outbox is a list of queued calls through the calls themselves, so that a call that ends while it waits leaves
// nothing behind, however long an outage lasts. Guarded by client.mu.
type outbox struct{ first, last *Call }

func (o *outbox) push(call *Call) {
	call.state, call.prev, call.next = queued, o.last, nil
	if o.last != nil {
		o.last.next = call
	} else {
		o.first = call
	}
	o.last = call
}

// remove removes a queued call. The caller sets its new state.
func (o *outbox) remove(call *Call) {
	if call.prev != nil {
		call.prev.next = call.next
	} else {
		o.first = call.next
	}
	if call.next != nil {
		call.next.prev = call.prev
	} else {
		o.last = call.prev
	}
	call.prev, call.next = nil, nil
}

// dueTimes is a heap of calls, the earliest due on top. One timer for the top of a heap costs a call no allocation;
// a timer per call costs three.
type dueTimes []*Call

func (h *dueTimes) remove(c *Call) {
	if c.heapIndex >= 0 {
		heap.Remove(h, c.heapIndex)
	}
}

// For container/heap only.

func (h dueTimes) Len() int           { return len(h) }
func (h dueTimes) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueTimes) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex, h[j].heapIndex = i, j
}
func (h *dueTimes) Push(x any) {
	c := x.(*Call)
	c.heapIndex = len(*h)
	*h = append(*h, c)
}
func (h *dueTimes) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	c.heapIndex = -1
	return c
}
