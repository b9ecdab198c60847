package tui

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

// maxFilter is how long a filter may be, in bytes.
const maxFilter = 256

// A filter picks rows of the lanes. It is made of words, all of which must hold:
//
//	state:failed       what became of a call, or what a reply was; state:wrong are those
//	                   completed calls whose answer is not what is expected
//	server:fib-1       part of the name of who answered, or sent the reply
//	n:30, n:20-35      the number in the request
//	id:7f3a            the beginning of the correlation ID
//	anything else      part of the ID, request, answer, server or error
//
// Capitals make no difference. A ! before a word negates it; quotes keep a space, or what
// would else mean something, in a word. The zero filter picks all rows.
type filter struct {
	words []filterWord // as they were written
	cheap []filterWord // the same, those first that cost least to ask
}

// A filterWord is one word of a filter.
type filterWord struct {
	not      bool
	key      string // "" for text
	value    string // as it was written, without quotes
	lower    string // the same to compare with; of a state, as outcomes and classes write it
	from, to uint64 // n
}

var filterKeys = []string{"state", "server", "n", "id"}

// filterStates are what state: may be, in the vocabulary's order.
var filterStates = func() []string {
	names := []string{"in-flight", "completed", "wrong", "failed"}
	for _, o := range amqprpc.Failures() {
		names = append(names, strings.ReplaceAll(o.String(), "_", "-"))
	}
	return append(names, "duplicate", "late", "unknown", "orphaned")
}()

// parseFilter reads a filter. Its error names the word that is wrong and says what is
// known; its text is escaped.
func parseFilter(s string) (filter, error) {
	if len(s) > maxFilter {
		return filter{}, fmt.Errorf("a filter has at most %d bytes", maxFilter)
	}
	var f filter
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			f.cheap = slices.Clone(f.words)
			slices.SortStableFunc(f.cheap, func(a, b filterWord) int { return a.cost() - b.cost() })
			return f, nil
		}
		w, rest, err := cutWord(s)
		if err == nil {
			err = w.resolve()
		}
		if err != nil {
			word := strings.TrimRightFunc(s[:len(s)-len(rest)], unicode.IsSpace)
			return filter{}, fmt.Errorf("%s: %w", text.Escape(word, 40), err)
		}
		f.words = append(f.words, w)
		s = rest
	}
}

// cutWord takes the first word off s, which does not begin with a space.
func cutWord(s string) (w filterWord, rest string, err error) {
	for strings.HasPrefix(s, "!") {
		w.not, s = !w.not, s[1:]
	}
	if key, value, ok := strings.Cut(s, ":"); ok && key != "" && letters(key) {
		w.key, s = strings.ToLower(key), value
	}
	quoted := false
	end := strings.IndexFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && unicode.IsSpace(r)
	})
	if quoted {
		return w, "", errors.New("a quote is missing at the end")
	}
	if end < 0 {
		end = len(s)
	}
	w.value = strings.ReplaceAll(s[:end], `"`, "")
	return w, s[end:], nil
}

func letters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !('a' <= r|0x20 && r|0x20 <= 'z') }) < 0
}

// resolve makes sense of what was written.
func (w *filterWord) resolve() error {
	w.lower = strings.ToLower(w.value)
	switch {
	case w.key != "" && !slices.Contains(filterKeys, w.key):
		return fmt.Errorf("known are %s:; quote it to look for it as text", strings.Join(filterKeys, ":, "))
	case w.key == "state":
		w.value = strings.ReplaceAll(w.lower, "_", "-")
		if !slices.Contains(filterStates, w.value) {
			return fmt.Errorf("the states are %s", strings.Join(filterStates, ", "))
		}
		w.lower = strings.ReplaceAll(w.value, "-", "_")
	case w.key == "n":
		from, to, isRange := strings.Cut(w.value, "-")
		if !isRange {
			to = from
		}
		var errs [2]error
		w.from, errs[0] = strconv.ParseUint(from, 10, 64)
		w.to, errs[1] = strconv.ParseUint(to, 10, 64)
		switch {
		case errors.Join(errs[:]...) != nil:
			return errors.New("a number or a range is wanted, such as n:30 or n:20-35")
		case w.from > w.to:
			return fmt.Errorf("the range is reversed: write n:%d-%d", w.to, w.from)
		}
		w.value = strconv.FormatUint(w.from, 10)
		if w.from != w.to {
			w.value += "-" + strconv.FormatUint(w.to, 10)
		}
	case w.value == "":
		return errors.New("there is nothing to look for")
	}
	return nil
}

// String returns the filter as parseFilter reads it. What is shown of it must be escaped.
func (f filter) String() string {
	words := make([]string, len(f.words))
	for i, w := range f.words {
		words[i] = w.String()
	}
	return strings.Join(words, " ")
}

func (w *filterWord) String() string {
	s := w.value
	prefix, _, colon := strings.Cut(s, ":")
	means := w.key == "" && (strings.HasPrefix(s, "!") || colon && prefix != "" && letters(prefix))
	if means || strings.ContainsFunc(s, unicode.IsSpace) {
		s = `"` + s + `"`
	}
	if w.key != "" {
		s = w.key + ":" + s
	}
	if w.not {
		s = "!" + s
	}
	return s
}

// set reports whether f leaves anything out.
func (f filter) set() bool { return len(f.words) > 0 }

// cost orders words: state: compares a short word, text searches all fields.
func (w *filterWord) cost() int {
	if w.key == "" {
		return len(filterKeys)
	}
	return slices.Index([]string{"state", "id", "n", "server"}, w.key)
}

// apply makes q ask for the rows that f picks.
func (f filter) apply(q *ledger.Query) {
	if !f.set() {
		return
	}
	q.Calls, q.Strays = f.call, f.stray
}

func (f filter) call(c *ledger.Call) bool {
	for i := range f.cheap {
		if w := &f.cheap[i]; w.call(c) == w.not {
			return false
		}
	}
	return true
}

func (f filter) stray(s *ledger.Stray) bool {
	for i := range f.cheap {
		if w := &f.cheap[i]; w.stray(s) == w.not {
			return false
		}
	}
	return true
}

func (w *filterWord) call(c *ledger.Call) bool {
	switch w.key {
	case "state":
		return c.Outcome.String() == w.lower || w.lower == "failed" && c.Outcome.Failed() || w.lower == "wrong" && c.Wrong
	case "server":
		return w.in(c.Server)
	case "n":
		digits, ok := explain.FibArgument(c)
		if !ok {
			return false
		}
		n, err := strconv.ParseUint(digits, 10, 64)
		return err == nil && w.from <= n && n <= w.to
	case "id":
		return hasPrefixFold(c.ID, w.lower)
	}
	return w.in(c.ID) || w.in(c.Request) || w.in(c.Answer) || w.in(c.Server) ||
		c.Outcome.Failed() && w.in(c.Outcome.String()) || w.fib(c)
}

// fib reports whether the request has the word in it as it is shown: fib(30).
func (w *filterWord) fib(c *ledger.Call) bool {
	if !strings.HasPrefix(w.lower, "fib(") {
		return false
	}
	digits, ok := explain.FibArgument(c)
	return ok && strings.HasPrefix("fib("+digits+")", w.lower)
}

func (w *filterWord) stray(s *ledger.Stray) bool {
	switch w.key {
	case "state":
		return s.Class.String() == w.lower || w.lower == "orphaned" && s.Class.Orphaned()
	case "server":
		return w.in(s.Server) || w.in(s.AnsweredBy)
	case "n":
		return false // the request is not in the row
	case "id":
		return hasPrefixFold(s.ID, w.lower)
	}
	return w.in(s.ID) || w.in(s.Body) || w.in(s.Server) || w.in(s.AnsweredBy) || w.in(s.Error)
}

// in reports whether s has the word in it.
func (w *filterWord) in(s string) bool { return containsFold(s, w.lower) }

// containsFold reports whether strings.ToLower(s) contains lower, which is in lower case.
// It makes no copy: it is asked of thousands of rows while the ledger is locked.
func containsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	first := lower[0]
	// İ and the Kelvin sign are i and k in lower case.
	quick := first < utf8.RuneSelf && (first != 'i' && first != 'k' || ascii(s))
	if first >= utf8.RuneSelf && ascii(s) {
		return false
	}
	for s != "" {
		i, size := 0, 1
		if quick {
			if i = indexFold(s, first); i < 0 {
				return false
			}
		} else if s[0] >= utf8.RuneSelf {
			_, size = utf8.DecodeRuneInString(s)
		}
		if hasPrefixFold(s[i:], lower) {
			return true
		}
		s = s[i+size:]
	}
	return false
}

// indexFold returns where the first c is in s, capital or not, or -1. c is ASCII and in
// lower case.
func indexFold(s string, c byte) int {
	i := strings.IndexByte(s, c)
	if c < 'a' || 'z' < c {
		return i
	}
	if i >= 0 {
		s = s[:i]
	}
	if j := strings.IndexByte(s, c-('a'-'A')); j >= 0 {
		return j
	}
	return i
}

// hasPrefixFold reports whether strings.ToLower(s) begins with lower, which is in lower
// case.
func hasPrefixFold(s, lower string) bool {
	for lower != "" {
		if s == "" {
			return false
		}
		if c := s[0]; c < utf8.RuneSelf {
			if lowerASCII(c) != lower[0] {
				return false
			}
			s, lower = s[1:], lower[1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		want, wantSize := utf8.DecodeRuneInString(lower)
		if unicode.ToLower(r) != want {
			return false
		}
		s, lower = s[size:], lower[wantSize:]
	}
	return true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
