package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aymanbagabas/go-osc52/v2"
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// copyID copies the selected ID to the clipboard.
func (m *Model) copyID() {
	t, ok := m.selected()
	if !ok || t.id == "" {
		m.fail(errors.New("nothing is selected here that has an ID to copy"))
		return
	}
	m.writeTerminal(clipboardSequence(t.id))
	m.session.Note(lab.Success, "asked the terminal to copy "+t.id, t.id)
}

func (m *Model) askExport() {
	name := "rpcscope-" + time.Now().Format("20060102-150405") + ".json"
	m.ask("Export to the file", "the numbers and "+m.exportedRows()+", as one JSON object; a file that exists is left alone", name, m.export)
}

func (m *Model) exportedRows() string {
	if m.filter != "" {
		return "the rows that pass the filter"
	}
	return "the rows that are remembered"
}

// export writes the numbers and the rows into a new file.
func (m *Model) export(name string) (tea.Cmd, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil, errors.New("the file needs a name")
	}
	if path, err := filepath.Abs(name); err == nil {
		name = path
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	q := m.query()
	q.Notes = 0
	q.Ledger.InFlight, q.Ledger.Completed, q.Ledger.Failed = maxLaneRows, maxLaneRows, maxLaneRows
	q.Ledger.Duplicates, q.Ledger.Orphans = maxLaneRows, maxLaneRows
	rows := m.exportedRows()
	picture, session := m.picture(), m.session
	m.writing.Add(1)
	return m.do(func(context.Context, Lab) {
		defer m.writing.Done()
		s := picture.Snapshot(q)
		err := errors.Join(lab.WriteJSON(file, s, session.RunConfig()), file.Close())
		if err != nil {
			session.Note(lab.Failure, fmt.Sprintf("%s is not whole: %v", name, err), "")
			return
		}
		session.Note(lab.Success, "exported to "+name+": the numbers and "+rows, "")
	}), nil
}

// clipboardSequence returns the escape sequence that asks a terminal to copy s to the clipboard (OSC 52). s is
// escaped, since it may be pasted into a shell.
func clipboardSequence(s string) string {
	return osc52.New(text.Escape(s, 1024)).String()
}
