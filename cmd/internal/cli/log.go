package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"rpcscope/tui/report"
)

// Logger returns a log in the format of --log-format, "text" or "json", from the level info
// up, or of warnings only if quiet. Whatever is logged, a line of it is fit for a terminal.
// Errors are usage errors.
func Logger(w io.Writer, format string, quiet bool) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if quiet {
		options.Level = slog.LevelWarn
	}
	switch format {
	case "text": // quotes what is not printable
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(tameJSON{w}, options)), nil
	}
	return nil, Fail(Usage, fmt.Errorf("--log-format %.20q is neither text nor json", format))
}

// tameJSON writes lines of JSON as PrintJSON does.
type tameJSON struct{ w io.Writer }

func (t tameJSON) Write(line []byte) (int, error) {
	return len(line), report.PrintJSON(t.w, json.RawMessage(line))
}
