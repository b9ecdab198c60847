package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"rpcscope/tui/report"
)

// Logger returns a logger for --log-format ("text" or "json") and --quiet. Its lines hold no control characters. Its
// errors are usage errors.
func Logger(w io.Writer, format string, quiet bool) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if quiet {
		options.Level = slog.LevelWarn
	}
	switch format {
	case "text": // quotes characters that are not printable
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(escapedJSON{w}, options)), nil
	}
	return nil, Fail(Usage, fmt.Errorf("--log-format %.20q is neither text nor json", format))
}

// escapedJSON writes lines of JSON as PrintJSON does.
type escapedJSON struct{ w io.Writer }

func (e escapedJSON) Write(line []byte) (int, error) {
	return len(line), report.PrintJSON(e.w, json.RawMessage(line))
}
