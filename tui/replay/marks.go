package replay

import (
	"math/bits"

	"rpcscope/tui/lab"
)

// marks has a bitmap for each kind of incident, with the numbers of its events, from 1.
type marks [3]bitmap

func (m *marks) add(event int, found lab.Incident) {
	for i := range m {
		if found&(1<<i) != 0 {
			m[i].set(event)
		}
	}
}

func (m *marks) of(kind lab.Incident) *bitmap { return &m[bits.TrailingZeros8(uint8(kind))] }

// A bitmap is a set of numbers from 0.
type bitmap []uint64

func (b *bitmap) set(n int) {
	for len(*b) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

// after returns the smallest number above n, or -1.
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

// before returns the largest number below n, or -1.
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
