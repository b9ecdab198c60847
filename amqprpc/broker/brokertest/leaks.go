package brokertest

import (
	"regexp"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// NoLeaks fails the test if goroutines are left when everything that the test opened after the call has been closed.
// Call it before anything that starts goroutines. It ignores goroutines of brokers, which may take a moment
// to end, and which a broker that is started again starts anew.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		t.Helper()
		var err error
		// A goroutine is recognized as a broker's only once it runs.
		for range 5 {
			options := []goleak.Option{before}
			for _, function := range brokerFunctions() {
				options = append(options, goleak.IgnoreAnyFunction(function))
			}
			if err = goleak.Find(options...); err == nil {
				return
			}
		}
		t.Error(err)
	})
}

var brokerFunction = regexp.MustCompile(`(?m)^(rpcscope/amqprpc/broker(?:/rabbitmq|/internal/\w+)?\.\S+)\(`)

// brokerFunctions returns the functions of the broker packages that are on some stack.
func brokerFunctions() (functions []string) {
	stacks := make([]byte, 1<<16)
	n := runtime.Stack(stacks, true)
	for n == len(stacks) {
		stacks = make([]byte, 2*len(stacks))
		n = runtime.Stack(stacks, true)
	}
	for _, found := range brokerFunction.FindAllSubmatch(stacks[:n], -1) {
		functions = append(functions, string(found[1]))
	}
	return functions
}
