package text

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Widths of a UUID and of its first group.
const (
	ShortIDWidth = 8
	UUIDWidth    = 36
)

// ID returns a correlation ID in at most width cells. A UUID is shortened to its first group, which is enough to tell it from
// others; any other ID is cut with an ellipsis.
func ID(id string, width int) string {
	switch {
	case id == "":
		return Escape("(no ID)", width)
	case width < UUIDWidth && IsUUID(id):
		return id[:min(width, ShortIDWidth)]
	}
	return Escape(id, width)
}

// IsUUID reports whether s has the form of a UUID.
func IsUUID(s string) bool {
	if len(s) != UUIDWidth {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'f':
		default:
			return false
		}
	}
	return true
}

// Body returns the beginning of a body of full bytes in at most width cells, as text or else as hexadecimal digits.
func Body(body string, full, width int) string {
	if full == 0 {
		return Escape("(empty)", width)
	}
	cut := len(body) < full
	if text := TrimPartialRune(body, full); IsText(text) {
		body = text
	} else {
		body = fmt.Sprintf("0x%x", body[:min(len(body), max(width, 1))])
	}
	if cut {
		return Escape(Escape(body, width)+Ellipsis, width)
	}
	return Escape(body, width)
}

// IsText reports whether a body is text: UTF-8 without a NUL.
func IsText(body string) bool { return utf8.ValidString(body) && strings.IndexByte(body, 0) < 0 }

// TrimPartialRune returns the beginning of a body of full bytes without the part of a character at its end.
func TrimPartialRune(body string, full int) string {
	if len(body) >= full {
		return body
	}
	for i := len(body) - 1; i >= max(len(body)-utf8.UTFMax, 0); i-- {
		if utf8.RuneStart(body[i]) {
			if !utf8.FullRuneInString(body[i:]) {
				return body[:i]
			}
			break
		}
	}
	return body
}

// FirstLine returns s up to its first line break.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
