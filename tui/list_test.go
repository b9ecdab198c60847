package tui

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// After any moves and any changes of the rows, the selected row is in range and can be
// seen, and as long as it is there it stays selected.
func TestListOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l list
		var rows []rowKey
		made := uint64(0)
		key := func(i int) rowKey { return rows[i] }
		sync := func() { l.sync(len(rows), key) }
		t.Repeat(map[string]func(*rapid.T){
			"on top": func(t *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(t, "rows") {
					made++
					rows = slices.Insert(rows, 0, rowKey{seq: made})
				}
			},
			"at the end": func(t *rapid.T) {
				made++
				rows = append(rows, rowKey{seq: made})
			},
			"remove": func(t *rapid.T) {
				if len(rows) == 0 {
					return
				}
				i := rapid.IntRange(0, len(rows)-1).Draw(t, "row")
				if n := rapid.SampledFrom([]int{1, 1, 3, len(rows)}).Draw(t, "rows"); i+n <= len(rows) {
					rows = slices.Delete(rows, i, i+n)
				}
			},
			"move": func(t *rapid.T) {
				sync()
				delta := rapid.IntRange(-12, 12).Draw(t, "delta")
				from := l.cursor
				l.move(delta, len(rows), key)
				if want := min(max(from+delta, 0), len(rows)-1); len(rows) > 0 && l.cursor != want {
					t.Fatalf("from %d by %d to %d of %d", from, delta, l.cursor, len(rows))
				}
			},
			"home": func(t *rapid.T) { l.home() },
			"end":  func(t *rapid.T) { l.end() },
			"": func(t *rapid.T) {
				before := l
				sync()
				if len(rows) == 0 {
					if l != (list{}) {
						t.Fatalf("%+v without rows", l)
					}
					return
				}
				if l.cursor < 0 || l.cursor >= len(rows) {
					t.Fatalf("row %d of %d", l.cursor, len(rows))
				}
				switch there := slices.Contains(rows, before.key); {
				case before.stance == atTop && l.cursor != 0, before.stance == atLast && l.cursor != len(rows)-1:
					t.Fatalf("%+v of %d rows", l, len(rows))
				case before.stance == onRow && there && rows[l.cursor] != before.key:
					t.Fatalf("row %v is selected, not %v", rows[l.cursor], before.key)
				case before.stance == onRow && !there && l.cursor != min(before.cursor, len(rows)-1):
					t.Fatalf("row %d, not %d", l.cursor, before.cursor)
				case l.stance == onRow && l.key != rows[l.cursor]:
					t.Fatalf("keeps to %v, shows %v", l.key, rows[l.cursor])
				}
				fit := rapid.IntRange(0, 8).Draw(t, "fit")
				from := l.window(len(rows), fit)
				fit = max(fit, 1)
				if from < 0 || l.cursor < from || l.cursor >= from+fit || from > max(len(rows)-fit, 0) {
					t.Fatalf("rows %d to %d of %d are seen, %d is selected", from, from+fit, len(rows), l.cursor)
				}
			},
		})
	})
}

// While rows come on top, the picture of a list that was moved stands still.
func TestListStandsStill(t *testing.T) {
	rows := make([]rowKey, 50)
	for i := range rows {
		rows[i].id = fmt.Sprint("first ", i)
	}
	key := func(i int) rowKey { return rows[i] }
	var l list
	l.sync(len(rows), key)
	l.move(7, len(rows), key)
	seen := rows[l.window(len(rows), 5)]
	for i := range 20 {
		rows = slices.Insert(rows, 0, rowKey{id: fmt.Sprint("new ", i)})
		l.sync(len(rows), key)
		if got := rows[l.window(len(rows), 5)]; got != seen {
			t.Fatalf("begins with %v, not %v", got, seen)
		}
	}
	l.move(-1000, len(rows), key)
	rows = slices.Insert(rows, 0, rowKey{id: "newest"})
	if l.sync(len(rows), key); rows[l.cursor].id != "newest" {
		t.Errorf("at the top, %v is selected", rows[l.cursor])
	}
}
