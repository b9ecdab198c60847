package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/text"
)

// A prompt asks for a line of text in the footer.
type prompt struct {
	input textinput.Model
	ask   string
	help  string
	err   string
	enter func(text string) (tea.Cmd, error)

	// matches, if not nil, returns the texts that begin as the text so far does. enter gets the selected one.
	matches   func(text string) []string
	noMatches func() string // says so
	found     []string
	selected  int
}

// maxInput is the length of the longest text that can be typed, in characters.
const maxInput = 256

// editable returns a text if a prompt can show it as it is, or "".
func editable(text string) string {
	if utf8.RuneCountInString(text) > maxInput || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

func newPrompt(ask, help, value string, enter func(string) (tea.Cmd, error)) prompt {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = maxInput
	in.SetValue(value)
	in.CursorEnd()
	in.Focus()
	return prompt{input: in, ask: ask, help: help, enter: enter}
}

// ask opens a prompt.
func (m *Model) ask(what, help, value string, enter func(string) (tea.Cmd, error)) {
	m.open(prompting)
	m.prompt = newPrompt(what, help, value, enter)
}

// submit enters the text of the prompt, or the selected match. The prompt stays if there is an error.
func (m *Model) submit() tea.Cmd {
	p := &m.prompt
	text := p.input.Value()
	if p.selected < len(p.found) {
		text = p.found[p.selected]
	}
	cmd, err := p.enter(text)
	if err != nil {
		p.err = err.Error()
	} else if m.mode == prompting {
		m.close()
	}
	return cmd
}

// move selects another match.
func (p *prompt) move(delta int) {
	p.selected = min(max(p.selected+delta, 0), max(len(p.found)-1, 0))
}

// edit passes a key to the text.
func (p *prompt) edit(msg tea.KeyMsg) {
	before := p.input.Value()
	p.input, _ = p.input.Update(msg) // its only command makes the cursor blink
	if p.input.Value() != before {
		p.err = ""
		p.match()
	}
}

func (p *prompt) match() {
	if p.matches != nil {
		p.found, p.selected = p.matches(p.input.Value()), 0
	}
}

// retry matches again if nothing was found before.
func (p *prompt) retry() {
	if len(p.found) == 0 {
		p.match()
	}
}

// lines draws the text and, in one line or more, the help, an error or the matches.
func (p *prompt) lines(st *text.Styles, w int) []text.Line {
	const caret = "▏"
	ask := text.Escape(p.ask, max(w-20, 0)) + " "
	s, at := []rune(p.input.Value()), p.input.Position()
	before, after := string(s[:at]), string(s[at:])
	room := max(w-text.Width(ask)-3, 1)
	shown := text.Escape(before, len(before)*10) // its end, if it is too long
	for text.Width(shown) > room {
		_, size := utf8.DecodeRuneInString(shown)
		shown = shown[size:]
	}
	first := text.Line{st.Title.Span(" " + ask), st.Plain.Span(shown), st.Warn.Span(caret), st.Plain.Span(text.Escape(after, max(room-text.Width(shown), 0)))}
	out := []text.Line{first.Cut(w)}
	say := func(s string, ink text.Ink) {
		for _, part := range text.Limit(text.Wrap(s, w-2), 3) {
			out = append(out, text.Line{ink.Span(" " + part)}.Cut(w))
		}
	}
	switch {
	case p.err != "":
		say("✗ "+text.Escape(p.err, 400), st.Bad)
	case p.matches == nil || p.input.Value() == "":
		say(p.help, st.Faint)
	case len(p.found) == 0:
		say(p.noMatches(), st.Faint)
	default:
		second := text.Line{st.Plain.Span(" ")}
		from := max(p.selected-1, 0)
		for i, id := range p.found[from:] {
			mark, ink := "  ", st.Plain
			if from+i == p.selected {
				mark, ink = "▸ ", st.Selected
			}
			second = append(second, st.Title.Span(mark), ink.Span(text.Escape(id, 40)), st.Plain.Span("  "))
		}
		out = append(out, second.Cut(w))
	}
	return out
}
