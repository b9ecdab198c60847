package replay

import (
	"math/bits"
	"slices"

	"rpcscope/tui/lab"
)

// marks has the numbers of the events that are incidents of a kind, in order, for each kind.
type marks [3][]int

func (m *marks) add(event int, found lab.Incident) {
	for i := range m {
		if found&(1<<i) != 0 {
			m[i] = append(m[i], event)
		}
	}
}

func (m *marks) of(kind lab.Incident) []int { return m[bits.TrailingZeros8(uint8(kind))] }

// after returns the first incident of a kind after an event, or 0.
func (m *marks) after(kind lab.Incident, event int) int {
	events := m.of(kind)
	if i, _ := slices.BinarySearch(events, event+1); i < len(events) {
		return events[i]
	}
	return 0
}

// before returns the last incident of a kind before an event, or 0.
func (m *marks) before(kind lab.Incident, event int) int {
	events := m.of(kind)
	if i, _ := slices.BinarySearch(events, event); i > 0 {
		return events[i-1]
	}
	return 0
}
