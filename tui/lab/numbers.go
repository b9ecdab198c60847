package lab

import "sync"

// mostNumbers bounds the memory for the numbers of calls.
const mostNumbers = 10_000

// numbers are the numbers of the first calls that were made by hand, by their IDs.
type numbers struct {
	mu sync.Mutex
	of map[string]int
}

func (n *numbers) add(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.of == nil {
		n.of = make(map[string]int)
	}
	if id != "" && len(n.of) < mostNumbers {
		n.of[id] = len(n.of) + 1
	}
}

// Number returns the number of a call that [Lab.Call], [Lab.CallWith] or [Lab.Burst] made,
// counted from 1 in the order in which they began. It is 0 for all other calls, and after
// the first 10,000.
func (l *Lab) Number(id string) int {
	l.numbers.mu.Lock()
	defer l.numbers.mu.Unlock()
	return l.numbers.of[id]
}
