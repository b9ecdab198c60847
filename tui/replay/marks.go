package replay

import (
	"math/bits"

	"rpcscope/tui/lab"
)

// marks say of each event which incident it is, in a bit for each kind. Events are counted
// from 1, as by a cursor that has just let them happen.
type marks [3]bitmap

func (m *marks) add(event int, found lab.Incident) {
	for i := range m {
		if found&(1<<i) != 0 {
			m[i].set(event)
		}
	}
}

// of returns the bits of one kind of incident.
func (m *marks) of(kind lab.Incident) *bitmap { return &m[bits.TrailingZeros8(uint8(kind))] }

// A bitmap is a set of numbers from 0.
type bitmap []uint64

func (b *bitmap) set(n int) {
	for len(*b) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

// after returns the least number above n, -1 where there is none.
func (b bitmap) after(n int) int {
	n++
	for i := n / 64; i < len(b); i++ {
		word := b[i]
		if i == n/64 {
			word &= ^uint64(0) << (n % 64)
		}
		if word != 0 {
			return 64*i + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// before returns the greatest number below n, -1 where there is none.
func (b bitmap) before(n int) int {
	for i := min(n/64, len(b)-1); i >= 0; i-- {
		word := b[i]
		if i == n/64 {
			word &= 1<<(n%64) - 1
		}
		if word != 0 {
			return 64*i + bits.Len64(word) - 1
		}
	}
	return -1
}
