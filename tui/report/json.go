package report

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode"
)

// PrintJSON writes v as one line of JSON. A terminal can show it safely, even if v has text of others.
func PrintJSON(w io.Writer, v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// marshal escapes control characters and those that change the direction of text. encoding/json escapes those up to
// U+001F only. The others are in strings, and below U+10000.
func marshal(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 0, len(text)+1)
	for _, r := range string(text) {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			line = fmt.Appendf(line, `\u%04x`, r)
		} else {
			line = append(line, string(r)...)
		}
	}
	return line, nil
}
