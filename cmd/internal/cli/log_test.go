package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

const hostile = "a\x1b]0;owned\a\u009b31m\u202e\n\x7f\xff z"

func TestLoggerEscapes(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out strings.Builder
		log, err := Logger(&out, format, false)
		if err != nil {
			t.Fatal(err)
		}
		log.Info(hostile, "name", hostile, hostile, 1)
		line, more := strings.CutSuffix(out.String(), "\n")
		if !more || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s: %q", format, out.String())
		}
		var v struct{ Name string }
		if format == "json" && (json.Unmarshal([]byte(line), &v) != nil || v.Name != strings.ToValidUTF8(hostile, "\ufffd")) {
			t.Errorf("%s holds %q", line, v.Name)
		}
	}
}

func TestLoggerLevels(t *testing.T) {
	var out strings.Builder
	log, err := Logger(&out, "json", true)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("chatter")
	log.Warn("matters")
	if s := out.String(); strings.Contains(s, "chatter") || strings.Count(s, "matters") != 1 {
		t.Error(s)
	}
	if _, err := Logger(&out, "xml", false); err == nil {
		t.Error("xml is a format")
	}
}
