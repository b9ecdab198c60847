package lab

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"rpcscope/server/pool"
)

// maxNoteText bounds a note's text, in bytes.
const maxNoteText = 1024

// notes has the last notes. Its mutex is locked with the client's lock held, so nothing else may
// be locked below it.
type notes struct {
	mu   sync.Mutex
	list []Note
	seq  uint64 // of the last note
}

func (n *notes) add(level Level, text, id string) (seq uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seq++
	if len(n.list) == MaxNotes {
		n.list = slices.Delete(n.list, 0, 1)
	}
	n.list = append(n.list, Note{Seq: n.seq, Time: time.Now(), Level: level, Text: noteText(text), ID: clip(id, 255)})
	return n.seq
}

// rewrite replaces a note, if it is still kept.
func (n *notes) rewrite(seq uint64, level Level, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := len(n.list) - 1 - int(n.seq-seq); i >= 0 && i < len(n.list) {
		n.list[i].Level, n.list[i].Text = level, noteText(text)
	}
}

// last returns a copy of the last notes, oldest first.
func (n *notes) last(count int) []Note {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list[len(n.list)-min(max(count, 0), len(n.list)):])
}

func noteText(text string) string { return clip(pool.ShortNames(text), maxNoteText) }

// Note adds a note about an action of the screen. id is the correlation ID that it is about,
// or "".
func (l *Lab) Note(level Level, text, id string) { l.notes.add(level, text, id) }

// noteResult adds a note with the error, or with success if err is nil. It returns err.
func (l *Lab) noteResult(success string, err error) error {
	if err != nil {
		l.notes.add(Failure, err.Error(), "")
	} else {
		l.notes.add(Success, success, "")
	}
	return err
}

// clip cuts s to max bytes, at the start of a character. The result of a cut is a copy, so that a
// note does not keep a whole message.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	cut := max - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) && max-cut < 8 {
		cut--
	}
	return strings.Clone(s[:cut]) + "…"
}

// shortID returns the first characters of a correlation ID.
func shortID(id string) string { return id[:min(len(id), 8)] }
