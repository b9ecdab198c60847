package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// format has the options for the JSON of recordings.
var format = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true))

// A text is a string in a recording. Its JSON loses nothing: a byte that is not UTF-8 is written as a
// lone surrogate, U+DC80 to U+DCFF.
type text string

func (s text) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(appendText(enc.AvailableBuffer(), string(s)))
}

// appendText appends s as a JSON string that can be shown on a terminal.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		if c := s[i]; ' ' <= c && c <= '~' && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		b = append(b, s[from:i]...)
		from = i + size
		switch {
		case r == utf8.RuneError && size == 1:
			b = fmt.Appendf(b, `\udc%02x`, s[i])
		case r == '"', r == '\\':
			b = append(b, '\\', s[i])
		case r == '\n':
			b = append(b, `\n`...)
		case controlsTerminal(r):
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			from = i
		}
		i += size
	}
	return append(append(b, s[from:]...), '"')
}

// controlsTerminal reports whether a terminal does more with r than to show it. Control characters
// are such, DEL and C1 included, and those that change the direction of text. All are below U+10000.
func controlsTerminal(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

func (s *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if v.Kind() != '"' {
		return errors.New("not a string")
	}
	v = v[1 : len(v)-1]
	if bytes.IndexByte(v, '\\') < 0 {
		*s = text(v)
	} else {
		*s = text(unquote(v))
	}
	return nil
}

// unquote replaces the escapes in v, the inside of a JSON string.
func unquote(v []byte) (b []byte) {
	from := 0
	flush := func(to int) {
		// It fails only for surrogates that are neither pairs nor bytes, and replaces these.
		b, _ = jsontext.AppendUnquote(b, `"`+string(v[from:to])+`"`)
	}
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' {
			continue
		}
		r := escape(v[i:])
		switch {
		case 0xdc80 <= r && r <= 0xdcff:
			flush(i)
			b = append(b, byte(r))
			i += 5
			from = i + 1
		case utf16.DecodeRune(r, escape(v[min(i+6, len(v)):])) != utf8.RuneError:
			i += 11
		default:
			i++ // the escaped character may be a backslash
		}
	}
	flush(len(v))
	return b
}

// escape returns the character of an escape such as \u20ac at the beginning of v, or 0.
func escape(v []byte) rune {
	if len(v) < 6 || v[0] != '\\' || v[1] != 'u' {
		return 0
	}
	r, _ := strconv.ParseUint(string(v[2:6]), 16, 16)
	return rune(r)
}
