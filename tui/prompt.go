package tui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/text"
)

// A prompt asks for a line of text in the footer, so that what it is about stays in
// sight.
type prompt struct {
	input textinput.Model
	ask   string
	help  string
	err   string
	// enter is given the text. Where it returns an error, the prompt stays.
	enter func(text string) (tea.Cmd, error)
	// matches, where it is set, finds what the text so far could mean; enter gets the
	// selected one.
	matches  func(text string) []string
	found    []string
	selected int
	// none says that nothing was found.
	none func() string
}

// mostInput is the longest text that can be typed, in characters.
const mostInput = 256

// editable is a text as a prompt can offer it to be changed: what it could only show
// otherwise than it is, it leaves out.
func editable(text string) string {
	if utf8.RuneCountInString(text) > mostInput || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

// newPrompt returns a prompt that has the focus.
func newPrompt(ask, help, value string, enter func(string) (tea.Cmd, error)) prompt {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = mostInput
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
		p.look()
	}
}

// look finds the matches.
func (p *prompt) look() {
	if p.matches != nil {
		p.found, p.selected = p.matches(p.input.Value()), 0
	}
}

// lookAgain looks once more for what was not there before.
func (p *prompt) lookAgain() {
	if len(p.found) == 0 {
		p.look()
	}
}

// lines are the prompt in two lines, or in more if it has more to say.
func (p *prompt) lines(st *text.Styles, w int) []text.Line {
	const caret = "▏"
	ask := text.Escape(p.ask, max(w-20, 0)) + " "
	s, at := []rune(p.input.Value()), p.input.Position()
	before, after := string(s[:at]), string(s[at:])
	room := max(w-text.Width(ask)-3, 1)
	// What is before the caret must be in sight: its end, where it is long.
	shown := text.Escape(before, len(before)*10)
	for text.Width(shown) > room {
		_, size := utf8.DecodeRuneInString(shown)
		shown = shown[size:]
	}
	first := text.Line{st.Title.Span(" " + ask), st.Plain.Span(shown), st.Warn.Span(caret), st.Plain.Span(text.Escape(after, max(room-text.Width(shown), 0)))}
	out := []text.Line{first.Cut(w)}
	say := func(s string, ink text.Ink) {
		const most = 3
		for _, part := range text.Limit(text.Wrap(s, w-2), most) {
			out = append(out, text.Line{ink.Span(" " + part)}.Cut(w))
		}
	}
	switch {
	case p.err != "":
		say("✗ "+text.Escape(p.err, 400), st.Bad)
	case p.matches == nil || p.input.Value() == "":
		say(p.help, st.Faint)
	case len(p.found) == 0:
		say(p.none(), st.Faint)
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

// askID asks for an ID, to tell its story. In a recording it goes to where that is known.
func (m *Model) askID() {
	help := "of calls and discarded replies that are remembered; ↑ ↓ to choose"
	if m.player != nil {
		help = "of calls and discarded replies of all the recording; ↑ ↓ to choose"
	}
	m.ask("Find the ID that begins with", help, "", func(s string) (tea.Cmd, error) {
		s = strings.TrimSpace(s)
		found := m.subject().Find(s, 1)
		if s == "" || len(found) == 0 {
			return nil, fmt.Errorf("%s begins with %.40q", m.nothing(), s)
		}
		m.close()
		m.goTo(found[0])
		return nil, nil
	})
	m.prompt.none = func() string { return m.nothing() + " begins with that" }
	m.prompt.matches = func(s string) []string {
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		return m.subject().Find(s, 8)
	}
}

// nothing says where no ID was found.
func (m *Model) nothing() string {
	switch r := m.look.Replay; {
	case r == nil:
		return "nothing remembered"
	case r.Indexed < 1:
		return "nothing in the " + text.Percent(r.Indexed) + " of the recording that has been read"
	}
	return "nothing in the recording"
}

// goTo selects a call and tells its story.
func (m *Model) goTo(id string) {
	t := target{id: id}
	if _, known := m.story(t); !known && m.player != nil {
		m.player.GoTo(id)
		m.jumping, m.opening = true, true
		return
	}
	m.choose(pick{id: id})
	m.inspect(t)
}
