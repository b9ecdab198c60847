package report

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

var scales = map[string]Scale{
	"linear": {Rows: []ScaleRow{{1, 48.1, 1, 331.2, 340.1, 0, false}, {2, 96, 1.996, 166, 170.5, 0, false}, {4, 191.5, 3.98, 82.1, 88.9, 0, false}}},
	"cores": {
		Rows: []ScaleRow{
			{1, 262.1, 1, 61.2, 80.4, 0, false}, {2, 510, 1.946, 31, 44, 3, false}, {4, 523.4, 1.997, 30.2, 71, 12_345, true},
		},
		Notice: "4 servers would keep 3.8 cores busy, and there are 2: --server-flag=--delay=20ms",
	},
	"nothing": {Rows: []ScaleRow{{Servers: 1, Failed: 1000, FellShort: true}, {Servers: 2, Failed: 1000, FellShort: true}}},
	"no-runs": {},
	"absurd":  {Rows: []ScaleRow{{256, 1e18, 1e9, 1e13, math.Inf(1), math.MaxUint64, true}, {1, math.NaN(), math.NaN(), math.NaN(), -1, 0, false}}},
}

func TestScale(t *testing.T) {
	for name, s := range scales {
		for _, width := range []int{80, 100} {
			for _, colour := range []bool{false, true} {
				file := fmt.Sprintf("scale-%s-%d", name, width)
				if colour {
					file += "-colour"
				}
				golden(t, file, s.Render(styled(colour), width))
			}
		}
		for width := -1; width < 200; width++ {
			text := s.Render(styled(true), width)
			limit := min(max(width, minWidth), maxWidth)
			if width <= 0 {
				limit = defaultWidth
			}
			fits(t, text, limit)
			if n := strings.Count(text, "\n"); n < 1+len(s.Rows) {
				t.Errorf("%s: %d lines at %d", name, n, width)
			}
		}
	}
}
