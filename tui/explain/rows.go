package explain

import (
	"strconv"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// IDWidth is the maximum width of an ID within a sentence.
const IDWidth = 64

// quoteWidth is the maximum width of a body or a name in the sentence of a row.
const quoteWidth = 40

// Call describes a call in a sentence, with its whole ID. custom says that the calls are not for fib.
func Call(c *ledger.Call, custom bool, now time.Time) string {
	subject := text.ID(c.ID, IDWidth)
	if request := Request(c, custom, quoteWidth); request != "" {
		subject += " " + request
	}
	attempt := ""
	if c.Attempt > 1 {
		attempt = ", try " + strconv.Itoa(c.Attempt)
	}
	switch {
	case c.Outcome == amqprpc.InFlight && c.Attempt == 0:
		return subject + ": waits to be published, since " + text.Age(c.Age) + timeLeft(c, now) + "."
	case c.Outcome == amqprpc.InFlight:
		return subject + ": in flight for " + text.Age(c.Age) + attempt + timeLeft(c, now) + "."
	case c.Outcome == amqprpc.Completed:
		s := subject + " = " + text.Body(c.Answer, c.AnswerLen, quoteWidth) + ": completed in " + text.Duration(c.Age) +
			", answered by " + Sender(c.Server, quoteWidth) + attempt
		if c.Wrong {
			s += ", a wrong answer"
		}
		if c.Replies > 1 {
			s += "; " + text.Count(c.Replies) + " replies, the others were discarded"
		}
		return s + "."
	}
	s := subject + ": failed (" + Outcome(c.Outcome) + ") after " + text.Duration(c.Age) + attempt
	if c.Outcome == amqprpc.Remote {
		return s + ": " + Sender(c.Server, quoteWidth) + " answered with an error: " + text.Body(c.Answer, c.AnswerLen, quoteWidth) + "."
	}
	if reason := report.FailureReason(c.Outcome, false); reason != "" {
		s += ": " + reason
	}
	return s + "."
}

func timeLeft(c *ledger.Call, now time.Time) string {
	switch left := c.Deadline.Sub(now); {
	case c.Deadline.IsZero():
		return ""
	case left < 0:
		return ", past its deadline by " + text.Age(-left)
	default:
		return ", " + text.Age(left) + " left"
	}
}

// Stray describes a discarded reply in a sentence, with its whole ID.
func Stray(s *ledger.Stray) string {
	name := Sender(s.Server, quoteWidth)
	if s.Server != lab.InjectorName {
		name = "from " + name
	}
	id, reply := text.ID(s.ID, IDWidth), "a reply "
	if s.Error != "" {
		reply = "an error reply (" + text.Escape(s.Error, nameWidth) + ") "
	}
	var words string
	switch {
	case s.Class == amqprpc.Duplicate:
		nth, _ := NthReply(s.Nth)
		if s.Error != "" {
			nth += ", " + ErrorKind(s)
		}
		first := "the answer"
		if s.AnsweredBy != "" {
			first = Sender(s.AnsweredBy, quoteWidth) + "'s answer"
		}
		words = id + ": " + nth + ", " + name + ", " + text.Duration(s.Since) + " after " + first + ": a duplicate, since the call has its answer"
	case s.Class == amqprpc.Late:
		words = id + ": " + reply + name + ", late by " + text.Duration(s.Since) + ": the call had " + Ended(s.Outcome)
	case s.ID == "":
		words = capital(reply) + name + " without a correlation ID: nobody can tell which call it is for"
	default:
		words = id + ": " + reply + name + " that no call here waits for: its ID is unknown"
	}
	if s.Redelivered {
		words += "; its request had been redelivered"
	}
	return words + ". Discarded."
}

// FibArgument returns the digits of a request that is a decimal number.
func FibArgument(c *ledger.Call) (digits string, ok bool) {
	const maxDigits = 18
	s := c.Request
	if s == "" || len(s) > maxDigits || len(s) != c.RequestLen {
		return "", false
	}
	return s, strings.Trim(s, "0123456789") == ""
}

// Request returns the request of a call in at most width cells: fib(30), or the body if custom. It is "" if the call has not
// been published.
func Request(c *ledger.Call, custom bool, width int) string {
	if digits, ok := FibArgument(c); ok && !custom {
		return text.Escape("fib("+digits+")", width)
	}
	if c.Attempt == 0 && c.RequestLen == 0 {
		return ""
	}
	return text.Body(c.Request, c.RequestLen, width)
}

// Sender names the sender of a reply in at most width cells.
func Sender(server string, width int) string {
	switch server {
	case "":
		return text.Escape("(no name)", width)
	case lab.InjectorName:
		return text.Escape("by hand", width)
	}
	return text.Escape(pool.ShortNames(server), width)
}

// FailureNames returns the name of the outcome of a failed call, and a form of at most 10 cells.
func FailureNames(o amqprpc.Outcome) (long, short string) {
	if o == amqprpc.ConnectionLost {
		return Outcome(o), "conn. lost"
	}
	return Outcome(o), Outcome(o)
}

// NthReply says that a reply was the nth to its call, and the same in a word: 2nd reply, 2nd.
func NthReply(n int) (long, short string) {
	switch {
	case n <= 0:
		return "another reply", "another"
	case n%10 == 1 && n%100 != 11:
		short = "st"
	case n%10 == 2 && n%100 != 12:
		short = "nd"
	case n%10 == 3 && n%100 != 13:
		short = "rd"
	default:
		short = "th"
	}
	short = text.Count(n) + short
	return short + " reply", short
}

// ErrorKind says which error a discarded reply is.
func ErrorKind(s *ledger.Stray) string { return "an error: " + text.Escape(s.Error, nameWidth) }
