package cli

import (
	"io"

	"rpcscope/amqprpc/ledger"
)

// PrintJSON prints v as one line of JSON that is fit for a terminal too: see
// [ledger.PrintJSON].
func PrintJSON(w io.Writer, v any) error { return ledger.PrintJSON(w, v) }
