package lab

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"rpcscope/server/pool"
)

// mostNoteText is how much of a note's text is kept, in bytes.
const mostNoteText = 1024

// notes are the last notes. The mutex is a leaf: it is taken under the client's lock.
type notes struct {
	mu   sync.Mutex
	ring []Note // the note of seq is at (seq-1) % MostNotes
	seq  uint64
}

func (n *notes) add(mood Level, text, id string) (seq uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seq++
	note := Note{Seq: n.seq, Time: time.Now(), Level: mood, Text: clip(pool.ShortNames(text), mostNoteText), ID: clip(id, 255)}
	if len(n.ring) < MaxNotes {
		n.ring = append(n.ring, note)
	} else {
		n.ring[(n.seq-1)%MaxNotes] = note
	}
	return n.seq
}

// rewrite says what came of something. A note that has been forgotten stays so.
func (n *notes) rewrite(seq uint64, mood Level, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.ring) == 0 {
		return
	}
	note := &n.ring[(seq-1)%MaxNotes%uint64(len(n.ring))]
	if note.Seq == seq {
		note.Level, note.Text = mood, clip(pool.ShortNames(text), mostNoteText)
	}
}

// last returns a copy of the last notes, oldest first.
func (n *notes) last(most int) []Note {
	n.mu.Lock()
	defer n.mu.Unlock()
	most = min(max(most, 0), len(n.ring))
	all := make([]Note, 0, most)
	for seq := n.seq - uint64(most) + 1; seq <= n.seq; seq++ {
		all = append(all, n.ring[(seq-1)%MaxNotes])
	}
	return all
}

// Note leaves a note about something that a screen has done by itself. id is the
// correlation ID that it is about, "" for none.
func (l *Lab) Note(mood Level, text, id string) { l.notes.add(mood, text, id) }

// note leaves a note of what was done: that it failed, and why, where err is not nil. It
// returns err.
func (l *Lab) note(done string, err error) error {
	if err != nil {
		l.notes.add(Failure, err.Error(), "")
	} else {
		l.notes.add(Success, done, "")
	}
	return err
}

// clip returns at most so many bytes of s, and no half of a character. It is a copy where
// it is cut, so that a note does not keep a whole message.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) && most-cut < 8 {
		cut--
	}
	return strings.Clone(s[:cut]) + "…"
}

// short is the beginning of a correlation ID, by which people tell them apart.
func short(id string) string { return id[:min(len(id), 8)] }

// took writes a time with three digits or two, in ms below a second.
func took(d time.Duration) string {
	ms := float64(max(d, 0)) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return d.Round(time.Second).String()
}
