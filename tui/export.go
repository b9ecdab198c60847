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

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// copyID copies the selected ID to the clipboard.
func (m *Model) copyID() {
	t, ok := m.selected()
	if !ok || t.id == "" {
		m.fail(errors.New(m.noID()))
		return
	}
	m.writeTerminal(clipboardSequence(t.id))
	m.session.Note(lab.Success, "asked the terminal to copy "+t.id, t.id)
}

// noID says why there is no ID to copy.
func (m *Model) noID() string {
	switch {
	case m.mode == readingLog:
		return "that note is about no call, so there is no ID to copy"
	case m.onServers:
		return "there is no ID here to copy: tab moves to a lane"
	}
	if _, ok := m.selected(); ok {
		return "that reply has no correlation ID to copy"
	}
	return "there is no ID in this lane to copy"
}

func (m *Model) askExport() {
	name := "rpcscope-" + time.Now().Format("20060102-150405") + ".json"
	rows := "the rows that are remembered"
	if m.filter != "" {
		rows = "the rows that pass the filter"
	}
	m.ask("Export to the file", "the numbers and "+rows+", as one JSON object; a file that exists is left alone", name, m.export)
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
	picture, session, filtered := m.picture(), m.session, m.filter != ""
	m.writing.Add(1)
	return m.do(func(context.Context, Lab) {
		defer m.writing.Done()
		s := picture.Snapshot(q)
		err := errors.Join(lab.WriteJSON(file, s, session.RunConfig()), file.Close())
		if err != nil {
			session.Note(lab.Failure, fmt.Sprintf("%s is not whole: %v", name, err), "")
			return
		}
		session.Note(lab.Success, "exported to "+name+": all numbers, and of the rows "+rowsExported(&s.Ledger, filtered), "")
	}), nil
}

// rowsExported says how many rows of each lane there are.
func rowsExported(b *ledger.Snapshot, filtered bool) string {
	var parts []string
	whole := true
	add := func(rows int, all uint64, what string) {
		part := text.Count(rows)
		if uint64(rows) < all {
			part, whole = part+" of "+text.Count(all), false
		}
		parts = append(parts, part+" "+what)
	}
	add(len(b.InFlight), b.Calls.InFlight, "in flight")
	add(len(b.Completed), b.Calls.Completed, "completed")
	add(len(b.Failed), b.Calls.Failed, "failed")
	add(len(b.Duplicates), b.Replies.Duplicates, "duplicate")
	add(len(b.Orphans), b.Replies.Orphaned(), "orphaned")
	rows := strings.Join(parts, ", ")
	switch {
	case whole:
		return rows
	case filtered:
		return rows + "; the filter leaves out the others"
	}
	return rows + "; the others are no longer remembered"
}

// clipboardSequence returns the escape sequence that asks a terminal to copy s to the clipboard (OSC 52). s is
// escaped, since it may be pasted into a shell.
func clipboardSequence(s string) string {
	return osc52.New(text.Escape(s, 1024)).String()
}
