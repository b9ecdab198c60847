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
	mostSentences = 4  // that a summary shows
	mostTallied   = 64 // that a Tally tells apart
	mostSaid      = 256
)

// A Sentence is what some failed calls said.
type Sentence struct {
	Text  string
	Count int64
}

// A Tally counts what failed calls say. The zero Tally is ready; it may be used from
// many goroutines at once, as a load's OnResult is. It tells only so many sentences
// apart, and of each keeps only the beginning, so that nobody can fill the memory with
// errors of ever different words.
type Tally struct {
	mu     sync.Mutex
	counts map[string]int64
	others int64
}

// Add counts what err says; nil says nothing. Of the error of a call it counts the reason.
func (t *Tally) Add(err error) {
	if err == nil {
		return
	}
	said := err.Error()
	if call := (*amqprpc.CallError)(nil); errors.As(err, &call) {
		said = call.Reason()
	}
	text := text.Escape(said, mostSaid)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.counts[text]; !known {
		if len(t.counts) == mostTallied {
			t.others++
			return
		}
		if t.counts == nil {
			t.counts = make(map[string]int64)
		}
	}
	t.counts[text]++
}

// Reset forgets everything, as when a warm-up is over.
func (t *Tally) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts, t.others = nil, 0
}

// Sentences returns what was said most often, the most frequent first, and sums up the
// rest in a last one.
func (t *Tally) Sentences() []Sentence {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Sentence, 0, len(t.counts))
	for text, n := range t.counts {
		all = append(all, Sentence{text, n})
	}
	slices.SortFunc(all, func(a, b Sentence) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	rest := t.others
	for _, s := range all[min(len(all), mostSentences):] {
		rest += s.Count
	}
	all = all[:min(len(all), mostSentences)]
	if rest > 0 {
		all = append(all, Sentence{"other failures", rest})
	}
	return all
}
