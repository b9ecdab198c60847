package text

// A Piece is a part of a line. Its forms are in order of length, the longest first.
type Piece struct {
	Forms []string
	Ink   Ink
	rank  int // pieces of a high rank go first if there is no room
}

// NewPiece returns a piece of the given forms.
func NewPiece(rank int, ink Ink, forms ...string) Piece { return Piece{forms, ink, rank} }

// Join writes pieces two spaces apart in at most width cells. Of the pieces of one rank it first gets in as many as possible,
// then takes longer forms. It does not cut a piece short for one of a higher rank.
func Join(pieces []Piece, width int) Line { return joined(pieces, choose(pieces, width)) }

// choose returns the index of the form of each piece, or -1 for none.
func choose(pieces []Piece, width int) []int {
	chosen := make([]int, len(pieces))
	room := width + 2 // each piece counts the gap before it
	for rank, seen := 0, 0; seen < len(pieces); rank++ {
		for i, p := range pieces {
			if p.rank != rank {
				continue
			}
			seen++
			chosen[i] = -1
			last := len(p.Forms) - 1
			if n := 2 + Width(p.Forms[last]); n <= room {
				chosen[i] = last
				room -= n
			}
		}
		for i, p := range pieces {
			if p.rank != rank || chosen[i] < 0 {
				continue
			}
			short := Width(p.Forms[chosen[i]])
			for form, text := range p.Forms {
				if more := Width(text) - short; more <= room {
					chosen[i] = form
					room -= more
					break
				}
			}
		}
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

// Ends writes pieces as [Join] does, those of before at the left end of a line and those of after at its right end,
// with a space at both ends.
func Ends(before, after []Piece, w int) Line {
	chosen := choose(append(before[:len(before):len(before)], after...), w-2)
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
