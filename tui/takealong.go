package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aymanbagabas/go-osc52/v2"
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/lab"
)

// copyID puts an ID onto the clipboard.
func (m *Model) copyID() {
	t, ok := m.selected()
	if !ok || t.id == "" {
		m.fail(errors.New("there is no ID here to copy: tab moves to a lane"))
		return
	}
	m.tell(clipboardSequence(t.id))
	m.lab.Note(lab.Good, "asked the terminal to copy "+t.id, t.id)
}

// export writes what is shown into a new file.
func (m *Model) export(name string) (tea.Cmd, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil, errors.New("the file needs a name")
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	q := m.query()
	q.Notes = 0
	const most = 1000 // rows of each lane
	q.Books.InFlight, q.Books.Completed, q.Books.Failed = most, most, most
	q.Books.Duplicates, q.Books.Orphans = most, most
	subject, l := m.subject(), m.lab
	m.writing.Add(1)
	return m.do(func(context.Context) {
		defer m.writing.Done()
		err := errors.Join(lab.WriteJSON(file, subject.Look(q), l.RunConfig()), file.Close())
		if err != nil {
			l.Note(lab.Bad, fmt.Sprintf("%s is not whole: %v", name, err), "")
			return
		}
		l.Note(lab.Good, "exported to "+name, "")
	}), nil
}

// mostClipboard is the longest text that goes onto a clipboard, in bytes; a correlation
// ID has 255 at most.
const mostClipboard = 1024

// clipboardSequence is what asks a terminal to put text onto the clipboard (OSC 52).
// Text that somebody else wrote goes there escaped: it may be pasted into a shell.
func clipboardSequence(text string) string {
	return osc52.New(Escape(text, mostClipboard)).Limit(mostClipboard).String()
}
