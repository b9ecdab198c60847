package compare

import (
	"fmt"
	"os"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
)

// TestMain runs the tests, or is one of the processes that they start: of this binary, with the
// arguments of [setting.arguments].
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "call") {
		if err := work(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, os.Args[1:], err)
			os.Exit(1)
		}
		return
	}
	os.Exit(runTests(m))
}

var folder string // of the commands that are built

func runTests(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "compare-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	return brokertest.Main(m)
}
