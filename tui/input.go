package tui

import "os"

// A terminalInput calls gone at the end of the input, which Bubble Tea ignores.
type terminalInput struct {
	*os.File
	gone func()
}

func (t terminalInput) Read(p []byte) (int, error) {
	n, err := t.File.Read(p)
	if n <= 0 || err != nil {
		t.gone()
	}
	return n, err
}
