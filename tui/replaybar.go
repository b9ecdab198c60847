package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/tui/lab"
	"rpcscope/tui/replay"
	"rpcscope/tui/text"
)

// jump moves the player to the next incident of a kind, or to the previous one if direction is -1. The incident is selected
// when the player is there.
func jump(kind lab.Incident, direction int) func(*Model) tea.Cmd {
	return act(func(m *Model) {
		if direction < 0 {
			m.player.Previous(kind)
		} else {
			m.player.Next(kind)
		}
		m.jumping = true
	})
}

// speeds are those that the keys choose from.
var speeds = []float64{replay.MinSpeed, 0.2, 0.5, 1, 2, 5, 10, 20, 50, replay.MaxSpeed, replay.FullSpeed}

func (m *Model) changeSpeed(delta int) {
	m.player.SetSpeed(nextSpeed(m.snapshot.Replay.Speed, delta))
}

func nextSpeed(now float64, delta int) float64 {
	i := slices.Index(speeds, now)
	if i < 0 {
		i = slices.Index(speeds, 1)
	}
	return speeds[min(max(i+delta, 0), len(speeds)-1)]
}

// emptyInReplay are the texts of empty lanes in a recording, in which no key fills them.
var emptyInReplay = [laneCount]string{
	duplicateLane: "None yet. A duplicate is a second reply to a call that has its answer. d goes to the next one.",
	orphanedLane:  "None yet. An orphan is a reply that no call waits for: too late, or with an unknown ID. u goes to the next one.",
}

// replayLines draws the position in a recording.
func replayLines(st *text.Styles, r *lab.Replay, w int) []text.Line {
	return []text.Line{replayState(st, r, w), replayBar(st, r, w)}
}

func replayState(st *text.Styles, r *lab.Replay, w int) text.Line {
	speed := strconv.FormatFloat(r.Speed, 'g', -1, 64) + "x"
	if r.Speed == replay.FullSpeed {
		speed = "full speed"
	}
	state := text.Piece{Forms: []string{"■ paused " + speed}, Ink: st.Warn}
	switch {
	case r.Playing:
		state = text.Piece{Forms: []string{"▶ playing " + speed}, Ink: st.Good}
	case r.Event == r.Events && r.Indexed == 1:
		state = text.Piece{Forms: []string{"■ the end, " + speed}, Ink: st.Title}
	}
	position := text.PlayClock(r.Position) + " of " + text.PlayClock(r.Duration)
	event := "event " + text.Count(r.Event) + " of " + text.Count(r.Events)
	number := "#" + text.Count(r.Event)
	before := []text.Piece{
		state, {Forms: []string{position, text.PlayClock(r.Position)}, Ink: st.Plain},
		text.NewPiece(3, st.Plain, event+": "+text.Escape(r.Last, 60), event+": "+briefEvent(r.Last), number+": "+briefEvent(r.Last), event, number),
	}
	var after []text.Piece
	if r.Seeking != "" {
		after = append(after, text.NewPiece(1, st.Warn, "looking for "+text.Escape(r.Seeking, 30), "looking"))
	}
	if r.Indexed < 1 {
		after = append(after, text.NewPiece(2, st.Faint, "read "+text.Percent(r.Indexed)))
	}
	if r.Damage != "" {
		line, _, _ := strings.Cut(r.Damage, ":")
		after = append(after, text.NewPiece(1, st.Bad, "✗ ends at "+text.Escape(r.Damage, 60), "✗ ends at "+text.Escape(line, 24), "✗ damaged"))
	}
	return text.Ends(before, after, w)
}

// briefEvent shortens the text of an event, and a UUID at its end.
func briefEvent(last string) string {
	if i := strings.LastIndexByte(last, ' '); text.IsUUID(last[i+1:]) {
		last = last[:i+1+text.ShortIDWidth]
	}
	return text.Escape(last, 36)
}

// replayBar draws a recording: the part that has been shown, the part to come, the part that has not been read yet, and
// its incidents.
func replayBar(st *text.Styles, r *lab.Replay, w int) text.Line {
	n := w - 2
	if n <= 0 {
		return nil
	}
	known := min(max(int(r.Indexed*float64(n)), 1), n)
	cell := func(at time.Duration) int {
		if r.Duration <= 0 {
			return 0
		}
		return min(int(float64(at)/float64(r.Duration)*float64(known)), known-1)
	}
	incidents := make([]lab.Incident, known)
	for i, f := range r.Incidents {
		incidents[cell(time.Duration(i)*r.Part)] |= f
	}
	head := cell(r.Position)
	l := text.Line{st.Plain.Span(" ")}
	for i := range n {
		s := st.Faint.Span("·")
		switch {
		case i == head:
			s = st.Title.Span("●")
		case i < known && incidents[i] != 0:
			s = incidentSpan(st, incidents[i])
		case i < head:
			s = st.Bar.Span("━")
		case i < known:
			s = st.Border.Span("─")
		}
		l.Add(s.Text, s.Ink)
	}
	return l
}

func incidentSpan(st *text.Styles, found lab.Incident) text.Span {
	switch found {
	case lab.DuplicateReply:
		return st.Duplicate.Span("d")
	case lab.OrphanedReply:
		return st.Orphaned.Span("o")
	case lab.FailedCall:
		return st.Failed.Span("x")
	}
	return st.Warn.Span("*")
}
