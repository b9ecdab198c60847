package amqprpc

import "container/heap"

// deadlines is a heap of calls, the earliest deadline on top. One timer for the
// top of a heap costs a call no allocation; a timer per call costs three.
type deadlines []*Call

func (h *deadlines) add(c *Call) { heap.Push(h, c) }

func (h *deadlines) remove(c *Call) {
	if c.heapIndex >= 0 {
		heap.Remove(h, c.heapIndex)
	}
}

// For container/heap only.

func (h deadlines) Len() int           { return len(h) }
func (h deadlines) Less(i, j int) bool { return h[i].deadline.Before(h[j].deadline) }
func (h deadlines) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex, h[j].heapIndex = i, j
}
func (h *deadlines) Push(x any) {
	c := x.(*Call)
	c.heapIndex = len(*h)
	*h = append(*h, c)
}
func (h *deadlines) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	c.heapIndex = -1
	return c
}
