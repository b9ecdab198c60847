package server

import (
	"bytes"
	"fmt"
	"strconv"

	"rpcscope/amqprpc"
)

// ParseN reads the n of a request: decimal text, as the tutorial sends it. Like
// Python's int() it takes ASCII white space around the number, a plus sign, a minus
// sign before a zero, and leading zeros. Unlike int() it takes neither underscores
// nor digits of other scripts.
//
// An error is an *amqprpc.RemoteError: OUT_OF_RANGE for a number above most,
// INVALID_ARGUMENT for a negative one and for what is no number.
//
// Its reason comes before what was asked for: where there is little room, the end is cut off.
//
// It looks at every byte once, whatever the length, copies none, and converts 19
// digits at most.
func ParseN(body []byte, most int) (int, error) {
	text := bytes.Trim(body, " \t\n\v\f\r")
	if len(text) == 0 {
		return 0, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "the body is empty: it must be a decimal number from 0 to %d", most)
	}
	digits := text
	if text[0] == '+' || text[0] == '-' {
		digits = text[1:]
	}
	if !allDigits(digits) {
		return 0, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "not a decimal number: %s", quote(text))
	}
	significant := bytes.TrimLeft(digits, "0")
	if len(significant) == 0 {
		return 0, nil
	}
	if text[0] == '-' {
		return 0, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "n must not be negative: %s", quote(text))
	}
	const widest = 19 // every 19-digit number fits a uint64
	if len(significant) <= widest {
		n, err := strconv.ParseUint(string(significant), 10, 64)
		if err == nil && n <= uint64(max(most, 0)) {
			return int(n), nil
		}
	}
	return 0, amqprpc.Errorf(amqprpc.CodeOutOfRange, "above the limit of this server, n = %d: %s", most, quote(text))
}

func allDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

// quote returns the first 40 bytes of s, quoted, in printable ASCII. What it has cut
// off, it counts.
func quote[S ~string | ~[]byte](s S) string {
	const most = 40
	if len(s) <= most {
		return strconv.QuoteToASCII(string(s))
	}
	return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(string(s[:most])), len(s))
}
