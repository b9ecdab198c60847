package brokertest

import (
	"regexp"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// NoLeaks fails the test if goroutines are left when all that the test opens after this
// has been closed. Those of brokers do not count: what they hold may take them a
// moment to close, and a broker that is started again has new ones. It comes before all that
// starts goroutines: what was opened earlier may start one more only after it looked.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		t.Helper()
		var err error
		// A broker's goroutines are known by their functions, and these only once they run.
		for range 5 {
			options := []goleak.Option{before}
			for _, function := range ofBrokers() {
				options = append(options, goleak.IgnoreAnyFunction(function))
			}
			if err = goleak.Find(options...); err == nil {
				return
			}
		}
		t.Error(err)
	})
}

var ofABroker = regexp.MustCompile(`(?m)^(rpcscope/amqprpc/broker(?:/rabbitmq|/internal/\w+)?\.\S+)\(`)

// ofBrokers returns the functions of the broker packages that are on some stack.
func ofBrokers() (functions []string) {
	stacks := make([]byte, 1<<16)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	for _, found := range ofABroker.FindAllSubmatch(stacks, -1) {
		functions = append(functions, string(found[1]))
	}
	return functions
}
