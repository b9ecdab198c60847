package ledger

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode"
)

// PrintJSON prints v as one line of JSON that is fit for a terminal too, as what is made
// of the books may quote anybody. encoding/json escapes control characters up to U+001F;
// those that it leaves as they are (see drives) can only be inside of strings, where \u
// means the same.
func PrintJSON(w io.Writer, v any) error {
	line, err := marshalLine(v)
	if err != nil {
		return err
	}
	_, err = w.Write(line)
	return err
}

func marshalLine(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 0, len(text)+1)
	for _, r := range string(text) {
		if drives(r) {
			line = fmt.Appendf(line, `\u%04x`, r)
		} else {
			line = append(line, string(r)...)
		}
	}
	return append(line, '\n'), nil
}

// drives reports whether a terminal does more with r than to show it: control characters
// (DEL and the C1 controls too, of which U+009B begins an escape sequence), and what
// changes the direction of text. All of them are below U+10000.
func drives(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
