package tui

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/text"
)

// maxFilter is the length of the longest filter, in bytes.
const maxFilter = 256

// A filter picks rows of the lanes. All of its words must hold:
//
//	state:failed       the outcome of a call or the class of a reply; state:wrong are
//	                   the completed calls with a wrong answer
//	server:fib-1       part of the name of the server that sent the reply
//	n:30, n:20-35      the number in the request
//	id:7f3a            the beginning of the correlation ID
//	anything else      part of the ID, request, answer, server or error
//
// Case does not matter. A ! before a word negates it. Quotes keep a space, a colon or a ! in a word. The zero filter
// picks all rows.
type filter []filterWord

// A filterWord is one word of a filter.
type filterWord struct {
	not      bool
	key      string // "" for text
	lower    string // the value in lower case; a state as outcomes and classes write it
	from, to uint64 // n
}

var filterKeys = []string{"state", "server", "n", "id"}

// filterStates are the values of state:.
var filterStates = func() []string {
	names := []string{"in-flight", "completed", "wrong", "failed"}
	for _, o := range amqprpc.Failures() {
		names = append(names, strings.ReplaceAll(o.String(), "_", "-"))
	}
	return append(names, "duplicate", "late", "unknown", "orphaned")
}()

// parseFilter parses a filter. The text of an error is escaped.
func parseFilter(s string) (filter, error) {
	if len(s) > maxFilter {
		return nil, fmt.Errorf("a filter has at most %d bytes", maxFilter)
	}
	var f filter
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return f, nil
		}
		w, rest, err := cutWord(s)
		if err == nil {
			err = w.resolve()
		}
		if err != nil {
			word := strings.TrimRightFunc(s[:len(s)-len(rest)], unicode.IsSpace)
			return nil, fmt.Errorf("%s: %w", text.Escape(word, 40), err)
		}
		f = append(f, w)
		s = rest
	}
}

// cutWord parses the first word of s, which does not begin with a space.
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
	w.lower = strings.ToLower(strings.ReplaceAll(s[:end], `"`, ""))
	return w, s[end:], nil
}

func letters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !('a' <= r|0x20 && r|0x20 <= 'z') }) < 0
}

// resolve checks the word, and parses its state or number.
func (w *filterWord) resolve() error {
	switch {
	case w.key != "" && !slices.Contains(filterKeys, w.key):
		return fmt.Errorf("known are %s:; quote it to look for it as text", strings.Join(filterKeys, ":, "))
	case w.key == "state":
		if !slices.Contains(filterStates, strings.ReplaceAll(w.lower, "_", "-")) {
			return fmt.Errorf("the states are %s", strings.Join(filterStates, ", "))
		}
		w.lower = strings.ReplaceAll(w.lower, "-", "_")
	case w.key == "n":
		from, to, isRange := strings.Cut(w.lower, "-")
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
	case w.lower == "":
		return errors.New("there is nothing to look for")
	}
	return nil
}

// set reports whether f leaves rows out.
func (f filter) set() bool { return len(f) > 0 }

// apply makes q ask for the rows that f picks.
func (f filter) apply(q *ledger.Query) {
	if !f.set() {
		return
	}
	q.Calls, q.Strays = f.call, f.stray
}

func (f filter) call(c *ledger.Call) bool {
	for i := range f {
		if w := &f[i]; w.call(c) == w.not {
			return false
		}
	}
	return true
}

func (f filter) stray(s *ledger.Stray) bool {
	for i := range f {
		if w := &f[i]; w.stray(s) == w.not {
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
		return strings.HasPrefix(strings.ToLower(c.ID), w.lower)
	}
	return w.in(c.ID) || w.in(c.Request) || w.in(c.Answer) || w.in(c.Server) ||
		c.Outcome.Failed() && w.in(c.Outcome.String()) || w.fib(c)
}

// fib reports whether the word matches the request as the lanes show it: fib(30).
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
		return strings.HasPrefix(strings.ToLower(s.ID), w.lower)
	}
	return w.in(s.ID) || w.in(s.Body) || w.in(s.Server) || w.in(s.AnsweredBy) || w.in(s.Error)
}

// in reports whether s contains the word.
func (w *filterWord) in(s string) bool { return strings.Contains(strings.ToLower(s), w.lower) }
