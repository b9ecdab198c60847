package tui

import (
	"fmt"
	"runtime"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// A picture after a thousand calls and after a million: taking the snapshot, drawing it,
// and both.
//
//	go test ./tui -run '^$' -bench BenchmarkScreen
func BenchmarkScreen(b *testing.B) {
	for _, calls := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) { benchmarkScreen(b, calls) })
	}
}

func benchmarkScreen(b *testing.B, calls int) {
	s, story := setFakeLab()
	story.complete(calls, 0, "fib-1", "fib-2")
	for range 64 {
		story.send(0)
	}
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"300x100", 300, 100}} {
		m := newModel(b.Context(), s, styled(true), func(string) {})
		m.Update(tea.WindowSizeMsg{Width: size.w, Height: size.h})
		b.Run("look/"+size.name, func(b *testing.B) {
			for b.Loop() {
				s.Snapshot(m.query())
			}
		})
		b.Run("draw/"+size.name, func(b *testing.B) {
			for b.Loop() {
				m.draw()
			}
		})
		b.Run("tick/"+size.name, func(b *testing.B) {
			for b.Loop() {
				m.Update(tickMsg(m.tickChain))
				m.View()
			}
		})
	}
}

// The memory of the screen and the ledger does not grow with the run.
func TestMemoryIsBounded(t *testing.T) {
	s, story := setFakeLab()
	m := newScreen(t, s, 120, 40)
	heap := func(calls int) uint64 {
		for range calls / 1000 {
			story.complete(1000, 0, "fib-1", "fib-2")
			m.Update(tickMsg(m.tickChain))
		}
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap(20_000)
	after := heap(60_000)
	runtime.KeepAlive(m)
	const slack = 1 << 20
	if after > before+slack {
		t.Errorf("%d bytes after 20,000 calls, %d after 80,000", before, after)
	}
}
