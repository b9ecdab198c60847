package ledger

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode"
)

// PrintJSON prints v as one line of JSON that is fit for a terminal too, as what is made
// of the books may quote anybody. encoding/json escapes control characters up to U+001F;
// those that it leaves as they are (DEL, the C1 controls, of which U+009B begins an escape
// sequence, and what changes the direction of text) can only be inside of strings, where
// \u means the same.
func PrintJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line := make([]byte, 0, len(text)+1)
	for _, r := range string(text) {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			line = fmt.Appendf(line, `\u%04x`, r)
		} else {
			line = append(line, string(r)...)
		}
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
