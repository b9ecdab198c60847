package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
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
	for _, keys := range [][]string{{"v", "home", "y", "esc"}, {"shift+tab", "y"}, {"F", "n", "o", "n", "e", "enter", "y", "esc"}} {
		const want = "nothing is selected here that has an ID to copy"
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
	if want := "exported to " + file + ": the numbers and the rows that are remembered"; told() != want {
		t.Errorf("says %q, not %q", told(), want)
	}
	press(m, "F")
	press(m, append(strings.Split("server:fib-2", ""), "enter", "e", "backspace", "2", "enter")...)
	if want := ": the numbers and the rows that pass the filter"; !strings.HasSuffix(told(), want) {
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
