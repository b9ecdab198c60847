package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

var folder string // of the binary

func testMain(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "chaos-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	return brokertest.Main(m)
}

// fibserver builds the server, once, and returns its path.
var fibserver = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "fibserver")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.Command("go", "build", "-o", path, "rpcscope/cmd/fibserver")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return path, nil
})
