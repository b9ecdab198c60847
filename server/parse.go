package server

import (
	"bytes"
	"fmt"
	"strconv"

	"rpcscope/amqprpc"
)

// ParseN reads n from a request's body: decimal text, as the tutorial sends it. Like Python's
// int() it accepts ASCII white space around the number, a plus sign, a minus sign before a
// zero, and leading zeros. Unlike int() it accepts neither underscores nor non-ASCII digits.
//
// The error is an *amqprpc.RemoteError: OUT_OF_RANGE if the number is above max, else
// INVALID_ARGUMENT. The reason comes before the quoted body, since a screen may cut off the end.
func ParseN(body []byte, max int) (int, error) {
	text := bytes.Trim(body, " \t\n\v\f\r")
	if len(text) == 0 {
		return 0, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "the body is empty: it must be a decimal number from 0 to %d", max)
	}
	digits := text
	if text[0] == '+' || text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) == 0 || bytes.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "not a decimal number: %s", quote(text))
	}
	significant := bytes.TrimLeft(digits, "0")
	if len(significant) == 0 {
		return 0, nil
	}
	if text[0] == '-' {
		return 0, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "n must not be negative: %s", quote(text))
	}
	// No number of 20 digits fits an int.
	n, err := strconv.Atoi(string(significant[:min(len(significant), 20)]))
	if err == nil && n <= max {
		return n, nil
	}
	return 0, amqprpc.Errorf(amqprpc.CodeOutOfRange, "above the limit of this server, n = %d: %s", max, quote(text))
}

// quote returns the first 40 bytes of s as a quoted ASCII string, and the length of a longer s.
func quote[S ~string | ~[]byte](s S) string {
	const max = 40
	if len(s) <= max {
		return strconv.QuoteToASCII(string(s))
	}
	return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(string(s[:max])), len(s))
}
