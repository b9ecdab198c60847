package tui

import (
	"bytes"
	"os"
)

const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
	interrupt  = '\x03' // ctrl+c
)

// A terminalInput reads from a terminal. If the end of a paste is lost, Bubble Tea takes all keys for pasted text.
// terminalInput ends the paste at ctrl+c, since terminals paste no control characters.
type terminalInput struct {
	*os.File
	gone    func() // called at the end of the input, which Bubble Tea ignores
	pasting bool
	tail    []byte // the last bytes read, which may be the start of a bracket
}

// Read reads keys and pasted text.
func (t *terminalInput) Read(p []byte) (int, error) {
	room := len(p)
	if t.pasting {
		room = max(room-len(pasteEnd), 1)
	}
	n, err := t.File.Read(p[:room])
	if n <= 0 || err != nil {
		t.gone()
		return n, err
	}
	if at := bytes.IndexByte(p[:n], interrupt); at >= 0 && t.pastingAfter(p[:at]) && n+len(pasteEnd) <= len(p) {
		copy(p[at+len(pasteEnd):], p[at:n])
		copy(p[at:], pasteEnd)
		n += len(pasteEnd)
	}
	t.pasting = t.pastingAfter(p[:n])
	seen := append(t.tail, p[:n]...)
	t.tail = append([]byte(nil), seen[max(len(seen)-len(pasteStart)+1, 0):]...)
	return n, nil
}

// pastingAfter reports whether a paste goes on after these bytes.
func (t *terminalInput) pastingAfter(read []byte) bool {
	seen := append(t.tail[:len(t.tail):len(t.tail)], read...)
	if start, end := bytes.LastIndex(seen, []byte(pasteStart)), bytes.LastIndex(seen, []byte(pasteEnd)); start != end {
		return start > end
	}
	return t.pasting
}
