package amqprpc

import "container/heap"

// dueTimes is a heap of calls, the earliest due on top. One timer for the top of a heap costs a call no
// allocation; a timer per call costs three.
type dueTimes []*Call

func (h *dueTimes) add(c *Call) { heap.Push(h, c) }

// fix restores the order after c.due has changed.
func (h *dueTimes) fix(c *Call) { heap.Fix(h, c.heapIndex) }

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
