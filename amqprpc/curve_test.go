package amqprpc_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// The picture of BenchmarkCurve is well-formed, and shows every point, for all kinds of figures.
func TestCurvePicture(t *testing.T) {
	line := func(broker, way string, factor float64) curve {
		c := curve{broker: broker, way: way}
		for n := 1; n <= 4096; n *= 4 {
			p50 := factor * 250e-6 * (1 + float64(n)/8)
			c.points = append(c.points, point{n, float64(n) / p50, p50, 2 * p50, 2 * p50})
		}
		return c
	}
	tests := []struct {
		name   string
		curves []curve
	}{
		{"two brokers", []curve{line("one <1>", "Client.Call", 1), line("one <1>", "bare loop", 1), line("two", "Client.Call", 0.2), line("two", "bare loop", 0.3)}},
		{"one broker", []curve{line("one", "Client.Call", 1e-4), line("one", "bare loop", 1e4)}},
		{"one point", []curve{{"one", "Client.Call", []point{{1, 1000, 1e-3, 1e-3, 1e-3}}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			svg := drawCurves(test.curves, "a note & more")
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			for _, bad := range []string{"NaN", "Inf", "%!"} {
				if strings.Contains(svg, bad) {
					t.Errorf("%q in the picture", bad)
				}
			}
			for _, part := range []string{"<title ", "<desc ", ">Client.Call<", ">p50<", ">p99<", ">p99.9<", ">calls in flight<", ">a note &amp; more<", "prefers-color-scheme:dark"} {
				if !strings.Contains(svg, part) {
					t.Errorf("no %q in the picture", part)
				}
			}
		})
	}
}

// Labels keep apart, in order, within their plot.
func TestLabelsDoNotOverlap(t *testing.T) {
	for _, ys := range [][]float64{{100, 100, 100}, {0, 1, 2, 200}, {199, 200, 200}, {50}, {-5, 300}} {
		var all []label
		for _, y := range ys {
			all = append(all, label{y: y})
		}
		const top, bottom = 0, 200
		got := spread(all, top, bottom)
		for i, y := range got {
			if y < top || y > bottom || i > 0 && y-got[i-1] < 14 {
				t.Errorf("%v: %v", ys, got)
				break
			}
		}
	}
	if got := spread([]label{{y: 10}, {y: 100}}, 0, 200); !slices.Equal(got, []float64{10, 100}) {
		t.Errorf("labels with room enough are moved: %v", got)
	}
}

func TestScaleContainsValues(t *testing.T) {
	for _, test := range []struct{ low, high, from, to float64 }{
		{0.00025, 0.15, 0.0002, 0.2}, {1, 100, 1, 100}, {3, 4, 2, 5}, {1, 1, 1, 1},
	} {
		a := scaled([]float64{test.high, test.low}, 0, 100)
		near := func(x, y float64) bool { return x/y > 1-1e-9 && x/y < 1+1e-9 }
		if !near(a.low, test.from) || !near(a.high, test.to) {
			t.Errorf("%v to %v is on a scale from %v to %v", test.low, test.high, a.low, a.high)
		}
		if test.low < test.high && !(a.at(test.low) >= 0 && a.at(test.low) < a.at(test.high) && a.at(test.high) <= 100.0001) {
			t.Errorf("%v is at %v, %v at %v", test.low, a.at(test.low), test.high, a.at(test.high))
		}
	}
}

// A window opens when all in flight have been answered twice, and closes when its time is over and they have been
// answered eight times more.
func TestWindowCountsWholeTurns(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1000, int64(ms)*1e6) }
	for _, test := range []struct {
		name    string
		every   int // ms from one end to the next
		counted int
	}{{"the time is longer", 10, 100}, {"the turns are longer", 200, 16}} {
		t.Run(test.name, func(t *testing.T) {
			w := &window{inFlight: 2, length: time.Second}
			first, counted := 0, 0
			for i := 1; i <= 1000; i++ {
				if w.counts(at(i * test.every)) {
					counted++
					if first == 0 {
						first = i
					}
				}
			}
			if first != 5 || counted != test.counted {
				t.Errorf("%d counted, from the %dth on", counted, first)
			}
			if got, want := w.rate(counted), 1000/float64(test.every); math.Abs(got-want) > 1e-6 {
				t.Errorf("%v a second, not %v", got, want)
			}
		})
	}
}

func TestQuantileIsNearestRank(t *testing.T) {
	var v []time.Duration
	for i := range 1000 {
		v = append(v, time.Duration(i+1)*time.Second)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 500, 0.99: 990, 0.999: 999, 1: 1000} {
		if got := quantile(v, q); got != want {
			t.Errorf("quantile %v of 1 to 1000 s: %v s", q, got)
		}
	}
}
