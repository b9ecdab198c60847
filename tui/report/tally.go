package report

import (
	"cmp"
	"errors"
	"slices"
	"sync"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

const (
	maxSentences = 4 // in a summary
	maxTallied   = 64
	maxSentence  = 256 // cells
)

// A Sentence is the error of failed calls.
type Sentence struct {
	Text  string
	Count int64
}

// A Tally counts the errors of failed calls. The zero Tally is ready for use, by several goroutines at once. It keeps
// the beginnings of 64 different errors, so that its size is bounded.
type Tally struct {
	mu     sync.Mutex
	counts map[string]int64
	others int64
}

// Add counts err if it is not nil. For a [amqprpc.CallError] it counts the reason.
func (t *Tally) Add(err error) {
	if err == nil {
		return
	}
	reason := err.Error()
	if call := (*amqprpc.CallError)(nil); errors.As(err, &call) {
		reason = call.Reason()
	}
	sentence := text.Escape(reason, maxSentence)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.counts[sentence]; !known {
		if len(t.counts) == maxTallied {
			t.others++
			return
		}
		if t.counts == nil {
			t.counts = make(map[string]int64)
		}
	}
	t.counts[sentence]++
}

// Sentences returns the most frequent errors, in order of frequency, and the sum of all others as the last one.
func (t *Tally) Sentences() []Sentence {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Sentence, 0, len(t.counts))
	for sentence, n := range t.counts {
		all = append(all, Sentence{sentence, n})
	}
	slices.SortFunc(all, func(a, b Sentence) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	rest := t.others
	for _, s := range all[min(len(all), maxSentences):] {
		rest += s.Count
	}
	all = all[:min(len(all), maxSentences)]
	if rest > 0 {
		all = append(all, Sentence{"other failures", rest})
	}
	return all
}
