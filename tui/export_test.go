package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc/ledger"
)

func TestCopy(t *testing.T) {
	s, _ := setFakeLab()
	var told string
	m := newModel(t.Context(), s, styled(false), func(sequence string) { told += sequence })
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	press(m, "y")
	// 00000191-... in base64
	if !strings.HasPrefix(told, "\x1b]52;c;MDAwMDAxOTEt") {
		t.Errorf("told the terminal %q", told)
	}
	told = ""
	for want, keys := range map[string][]string{
		"that note is about no call": {"v", "home", "y", "esc"}, "there is no ID here to copy: tab moves to a lane": {"shift+tab", "y"},
		"there is no ID in this lane to copy": {"F", "n", "o", "n", "e", "enter", "y", "esc"},
	} {
		m := newModel(t.Context(), s, styled(false), func(sequence string) { told += sequence })
		m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
		press(m, keys...)
		if !strings.Contains(unbroken(m.View()), want) || told != "" {
			t.Errorf("%q: told the terminal %q, and not %q:\n%s", keys, told, want, m.View())
		}
	}
	if got := clipboardSequence("a\nrm -rf /\x1b[31m"); strings.Contains(got, "Cg") || got == "" {
		t.Errorf("a hostile ID goes to the clipboard as %q", got)
	}
}

func TestExport(t *testing.T) {
	t.Chdir(t.TempDir())
	s, _ := setFakeLab()
	m := newScreen(t, s, 80, 24)
	file := filepath.Join(t.TempDir(), "out.json")
	press(m, "e", "ctrl+u")
	press(m, strings.Split(file, "")...)
	press(m, "enter")
	b, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(b), `"duplicates"`) {
		t.Fatalf("%v: %.200s", err, b)
	}
	told := func() string { return s.snap.Notes[len(s.snap.Notes)-1].Text }
	if want := "exported to " + file + ": all numbers, and of the rows 64 in flight, 400 completed, 0 failed, 1 duplicate, 1 orphaned"; told() != want {
		t.Errorf("says %q, not %q", told(), want)
	}
	press(m, "F")
	press(m, append(strings.Split("server:fib-2", ""), "enter", "e", "backspace", "2", "enter")...)
	if want := ": all numbers, and of the rows 0 of 64 in flight, 200 of 400 completed, 0 failed, 1 duplicate, 0 of 1 orphaned; the filter leaves out the others"; !strings.HasSuffix(told(), want) {
		t.Errorf("filtered: says %q, not %q", told(), want)
	}
	if path := strings.Fields(told())[2]; !filepath.IsAbs(path) {
		t.Errorf("%q does not say where", told())
	}
	press(m, "esc")
	press(m, "e", "ctrl+u")
	press(m, strings.Split(file, "")...)
	press(m, "enter")
	if !strings.Contains(m.View(), "exists") {
		t.Errorf("a file that exists is not refused:\n%s", m.View())
	}
	if again, _ := os.ReadFile(file); string(again) != string(b) {
		t.Error("a file that exists was written to")
	}
}

// The note of an export counts the rows that the ledger has forgotten.
func TestExportCountsForgottenRows(t *testing.T) {
	b := newStory()
	b.complete(5000, 0, "fib-1")
	s := b.ledger.Snapshot(ledger.Query{Completed: maxLaneRows})
	want := "0 in flight, 4,096 of 5,000 completed, 0 failed, 0 duplicate, 0 orphaned; the others are no longer remembered"
	if got := rowsExported(&s, false); got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
