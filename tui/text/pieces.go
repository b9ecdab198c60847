package text

// A Piece is a part of a line. Its forms are in order of length, the longest first.
type Piece struct {
	Forms []string
	Ink   Ink
	rank  int // pieces of a high rank go first if there is no room
}

// NewPiece returns a piece of the given forms.
func NewPiece(rank int, ink Ink, forms ...string) Piece { return Piece{forms, ink, rank} }

// Join writes pieces two spaces apart in at most width cells. It first gets as many pieces in as possible, in the order of
// their ranks, then it takes longer forms in the same order.
func Join(pieces []Piece, width int) Line { return joined(pieces, choose(pieces, width)) }

// JoinRanked is [Join], but does not cut a piece short for one of a higher rank.
func JoinRanked(pieces []Piece, width int) Line {
	return joined(pieces, chooseRanked(pieces, width))
}

// choose returns the index of the form of each piece, or -1 for none.
func choose(pieces []Piece, width int) []int {
	byRank := make([]int, 0, len(pieces))
	for rank := 0; len(byRank) < len(pieces); rank++ {
		for i, p := range pieces {
			if p.rank == rank {
				byRank = append(byRank, i)
			}
		}
	}
	chosen := make([]int, len(pieces))
	room := width + 2 // each piece counts the gap before it
	for _, i := range byRank {
		chosen[i] = -1
		last := len(pieces[i].Forms) - 1
		if n := 2 + Width(pieces[i].Forms[last]); n <= room {
			chosen[i] = last
			room -= n
		}
	}
	for _, i := range byRank {
		if chosen[i] < 0 {
			continue
		}
		short := Width(pieces[i].Forms[chosen[i]])
		for form, text := range pieces[i].Forms {
			if more := Width(text) - short; more <= room {
				chosen[i] = form
				room -= more
				break
			}
		}
	}
	return chosen
}

func chooseRanked(pieces []Piece, width int) []int {
	chosen := make([]int, len(pieces))
	for rank, seen := 0, 0; seen < len(pieces); rank++ {
		var which []int
		var some []Piece
		for i, p := range pieces {
			if p.rank == rank {
				which, some = append(which, i), append(some, p)
			}
		}
		for i, form := range choose(some, width) {
			if chosen[which[i]] = form; form >= 0 {
				width -= Width(some[i].Forms[form]) + 2
			}
		}
		seen += len(some)
	}
	return chosen
}

func joined(pieces []Piece, chosen []int) Line {
	var l Line
	for i, form := range chosen {
		if form < 0 {
			continue
		}
		if len(l) > 0 {
			l = append(l, Span{Text: "  "})
		}
		l = append(l, Span{pieces[i].Forms[form], pieces[i].Ink})
	}
	return l
}

// Ends writes pieces as [JoinRanked] does, those of before at the left end of a line and those of after at its right end,
// with a space at both ends.
func Ends(before, after []Piece, w int) Line {
	chosen := chooseRanked(append(before[:len(before):len(before)], after...), w-2)
	l := append(Line{{Text: " "}}, joined(before, chosen[:len(before)])...)
	tail := joined(after, chosen[len(before):])
	if gap := w - 1 - l.Width() - tail.Width(); gap > 0 {
		l = append(l, Span{Text: Spaces(gap)})
	}
	return append(l, tail...).Cut(max(w, 0))
}

// FirstFit returns the first of the texts that fits in width cells, or the last one cut to them.
func FirstFit(room int, texts ...string) string {
	for _, s := range texts {
		if Width(s) <= room {
			return s
		}
	}
	return Escape(texts[len(texts)-1], room)
}
