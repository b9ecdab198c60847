package amqprpc_test

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The picture has a column for each broker, with latency above throughput; both scales of a plot are logarithmic,
// and those of a row are the same.
const (
	plotWidth  = 330.0
	gutter     = 62.0 // left of a plot, for its scale
	labels     = 62.0 // right of it, for the names of its lines
	pictureTop = 84.0
	highPlot   = 300.0
	lowPlot    = 150.0
	between    = 62.0
)

// look is how the lines of one way of making calls look.
type lineStyle struct {
	class string // of the style sheet
	mark  func(x, y float64) string
}

var percentiles = []struct {
	name, class string
	of          func(point) float64
}{
	{"p50", "p50", func(p point) float64 { return p.p50 }},
	{"p99", "p99", func(p point) float64 { return p.p99 }},
	{"p99.9", "p999", func(p point) float64 { return p.p999 }},
}

var looks = []lineStyle{
	{"a", func(x, y float64) string { return fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="3"/>`, x, y) }},
	{"b", func(x, y float64) string {
		return fmt.Sprintf(`<rect x="%.1f" y="%.1f" width="5.6" height="5.6"/>`, x-2.8, y-2.8)
	}},
}

// Every colour has a mark, and every line a label: nothing hangs on colour alone. A picture in a page is light or
// dark as the reader's system is, which need not be as the page is: hence paper.
const style = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.head{font-size:15px;font-weight:600}.quiet{fill:#59636e}
.paper{fill:#fff}.grid{stroke:#d1d9e0;stroke-width:1;fill:none}.faint{opacity:.45}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.p99{stroke-dasharray:7 4}.p999{stroke-dasharray:2 3}.lead{stroke-width:.7}.any{stroke:#59636e}
.a .line{stroke:#0550ae}.a circle,.a text{fill:#0550ae}
.b .line{stroke:#bc4c00}.b rect,.b text{fill:#bc4c00}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}.quiet{fill:#9198a1}.paper{fill:#0d1117}.grid{stroke:#3d444d}.any{stroke:#9198a1}
.a .line{stroke:#58a6ff}.a circle,.a text{fill:#58a6ff}
.b .line{stroke:#f0883e}.b rect,.b text{fill:#f0883e}}
</style>
`

// drawCurves draws the curves as SVG, with a note about their origin.
func drawCurves(curves []curve, note string) string {
	var brokers, ways []string
	for _, c := range curves {
		if !slices.Contains(brokers, c.broker) {
			brokers = append(brokers, c.broker)
		}
		if !slices.Contains(ways, c.way) {
			ways = append(ways, c.way)
		}
	}
	column := gutter + plotWidth + labels
	width, height := 16+column*float64(len(brokers)), pictureTop+highPlot+between+lowPlot+66

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-labelledby="title desc">`+"\n", width, height, width, height)
	b.WriteString("<title id=\"title\">Latency and throughput against calls in flight</title>\n")
	fmt.Fprintf(&b, "<desc id=\"desc\">%s</desc>\n", html.EscapeString(describe(curves)))
	b.WriteString(style)
	b.WriteString(`<rect class="paper" width="100%" height="100%" rx="8"/>` + "\n")
	text(&b, 8+gutter, 28, "head", "start", "Latency and throughput against calls in flight, closed loop")
	x := 8 + gutter
	for i, way := range ways {
		l := looks[i%len(looks)]
		fmt.Fprintf(&b, `<g class="%s"><path class="line" d="M%.1f 46h26"/>%s`, l.class, x, l.mark(x+13, 46))
		text(&b, x+34, 50, "", "start", way)
		b.WriteString("</g>\n")
		x += 60 + 7*float64(len(way))
	}
	for _, p := range percentiles {
		fmt.Fprintf(&b, `<path class="line any %s" d="M%.1f 46h30"/>`, p.class, x)
		text(&b, x+38, 50, "", "start", p.name)
		x += 90
	}

	all := func(of func(point) []float64) (v []float64) {
		for _, c := range curves {
			for _, p := range c.points {
				v = append(v, of(p)...)
			}
		}
		return v
	}
	inFlight := all(func(p point) []float64 { return []float64{float64(p.inFlight)} })
	latencies := all(func(p point) []float64 { return []float64{p.p50, p.p99, p.p999} })
	rates := all(func(p point) []float64 { return []float64{p.rate} })
	for i, broker := range brokers {
		left := 8 + gutter + column*float64(i)
		across := axis{slices.Min(inFlight), slices.Max(inFlight), left, left + plotWidth}
		text(&b, left, pictureTop-10, "", "start", broker+": latency")

		top := pictureTop
		up := scaled(latencies, top+highPlot, top)
		grid(&b, across, up, inFlight, seconds)
		lower := top + highPlot + between
		upRate := scaled(rates, lower+lowPlot, lower)
		text(&b, left, lower-10, "", "start", broker+": calls/s")
		grid(&b, across, upRate, inFlight, count)
		text(&b, left+plotWidth/2, lower+lowPlot+36, "quiet", "middle", "calls in flight")

		var names, rateNames []label
		for _, c := range curves {
			if c.broker != broker {
				continue
			}
			l := looks[slices.Index(ways, c.way)%len(looks)]
			fmt.Fprintf(&b, `<g class="%s">`+"\n", l.class)
			for _, p := range percentiles {
				end := polyline(&b, c.points, across, up, p.of, p.class, l)
				names = append(names, label{end, p.name, l.class})
			}
			end := polyline(&b, c.points, across, upRate, func(p point) float64 { return p.rate }, "", l)
			rateNames = append(rateNames, label{end, count(c.points[len(c.points)-1].rate), l.class})
			b.WriteString("</g>\n")
		}
		place(&b, names, left+plotWidth, top, top+highPlot)
		place(&b, rateNames, left+plotWidth, lower, lower+lowPlot)
	}
	text(&b, 8+gutter, height-12, "quiet", "start", note)
	b.WriteString("</svg>\n")
	return b.String()
}

// inWords is the picture for those who cannot see it.
func describe(curves []curve) string {
	var said []string
	for _, c := range curves {
		var at []string
		for _, p := range c.points {
			at = append(at, fmt.Sprintf("%d in flight: %s calls/s, p50 %s, p99 %s, p99.9 %s", p.inFlight, count(p.rate), seconds(p.p50), seconds(p.p99), seconds(p.p999)))
		}
		said = append(said, fmt.Sprintf("%s on %s. %s.", c.way, c.broker, strings.Join(at, "; ")))
	}
	return strings.Join(said, " ")
}

func text(b *strings.Builder, x, y float64, class, anchor, words string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`+"\n", x, y, anchor, class, html.EscapeString(words))
}

// An axis maps values to pixels, logarithmically.
type axis struct{ low, high, from, to float64 }

func (a axis) at(v float64) float64 {
	if a.high <= a.low {
		return a.from
	}
	return a.from + (a.to-a.from)*math.Log(v/a.low)/math.Log(a.high/a.low)
}

// scaled is an axis from 1, 2 or 5 times a power of ten to another one, with all values between.
func scaled(values []float64, from, to float64) axis {
	low, high := slices.Min(values), slices.Max(values)
	a := axis{low, high, from, to}
	for _, t := range ticks(low/10, high*10) {
		if t <= low {
			a.low = t
		}
		if t >= high {
			a.high = t
			break
		}
	}
	return a
}

// ticks are the 1, 2 and 5 times powers of ten from low to high.
func ticks(low, high float64) (all []float64) {
	for e := int(math.Floor(math.Log10(low))); e <= int(math.Ceil(math.Log10(high))); e++ {
		for _, m := range []float64{1, 2, 5} {
			const rounding = 1e-9
			if t := m * math.Pow10(e); t >= low*(1-rounding) && t <= high*(1+rounding) {
				all = append(all, t)
			}
		}
	}
	return all
}

// grid draws the lines of a plot's scales, and their labels.
func grid(b *strings.Builder, across, up axis, inFlight []float64, unit func(float64) string) {
	all := ticks(up.low, up.high)
	for _, v := range all {
		y := up.at(v)
		class := "grid faint"
		decade := math.Abs(math.Log10(v)-math.Round(math.Log10(v))) < 1e-9
		if decade {
			class = "grid"
		}
		fmt.Fprintf(b, `<path class="%s" d="M%.1f %.1fH%.1f"/>`+"\n", class, across.from, y, across.to)
		if decade || len(all) <= 7 {
			text(b, across.from-8, y+4, "quiet", "end", unit(v))
		}
	}
	for _, n := range slices.Compact(slices.Sorted(slices.Values(inFlight))) {
		x := across.at(n)
		fmt.Fprintf(b, `<path class="grid faint" d="M%.1f %.1fV%.1f"/>`+"\n", x, up.from, up.to)
		text(b, x, up.from+17, "quiet", "middle", fmt.Sprint(n))
	}
}

// polyline draws a line with marks and returns the height of its end.
func polyline(b *strings.Builder, points []point, across, up axis, of func(point) float64, class string, l lineStyle) (y float64) {
	var path, marks strings.Builder
	for i, p := range points {
		x := across.at(float64(p.inFlight))
		y = up.at(of(p))
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		fmt.Fprintf(&path, "%c%.1f %.1f", command, x, y)
		marks.WriteString(l.mark(x, y))
	}
	fmt.Fprintf(b, `<path class="line %s" d="%s"/>%s`+"\n", class, path.String(), marks.String())
	return y
}

// A label names a line at its end.
type label struct {
	y           float64
	name, class string
}

// place writes labels beside the ends of their lines, as near as they can be without touching each other. x is
// that of the ends.
func place(b *strings.Builder, all []label, x, top, bottom float64) {
	slices.SortStableFunc(all, func(p, q label) int {
		switch {
		case p.y < q.y:
			return -1
		case p.y > q.y:
			return 1
		}
		return 0
	})
	for i, y := range spread(all, top, bottom) {
		fmt.Fprintf(b, `<g class="%s"><path class="line lead" d="M%.1f %.1fL%.1f %.1f"/>`, all[i].class, x+4, all[i].y, x+14, y)
		text(b, x+17, y+4, "", "start", all[i].name)
		b.WriteString("</g>\n")
	}
}

// spread returns the heights of labels that are in order, a line's height from each other.
func spread(all []label, top, bottom float64) []float64 {
	const height = 14
	y := make([]float64, len(all))
	for i := range all {
		y[i] = max(all[i].y, top)
		if i > 0 {
			y[i] = max(y[i], y[i-1]+height)
		}
	}
	for i := len(y) - 1; i >= 0; i-- { // those that were pushed out at the bottom go up again
		y[i] = min(y[i], bottom)
		if i+1 < len(y) {
			y[i] = min(y[i], y[i+1]-height)
		}
	}
	return y
}

// seconds is a time for people.
func seconds(s float64) string {
	switch {
	case s >= 0.9995:
		return short(s) + " s"
	case s >= 0.0009995:
		return short(s*1e3) + " ms"
	}
	return short(s*1e6) + " µs"
}

// count is a number for people, to three digits.
func count(n float64) string {
	if n >= 999.5 {
		return short(n/1e3) + "k"
	}
	return short(n)
}

func short(v float64) string { return fmt.Sprintf("%.3g", v) }
