package brokertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"regexp"
	"runtime/pprof"
	"testing"
	"time"
)

// NoLeaks fails the test if goroutines that the test started after the call are left when it ends. Call it before
// anything that starts goroutines. Other tests may run at the same time: the goroutines of a test inherit its label.
//
// It ignores goroutines of brokers, which may take a moment to end, and which a broker that is started again starts
// anew, and those that a timer started, which have no label.
func NoLeaks(t testing.TB) {
	t.Helper()
	const label, timeout = "no leaks", 5 * time.Second
	id := rand.Text()
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(label, id)))
	t.Cleanup(func() {
		t.Helper()
		pprof.SetGoroutineLabels(context.Background()) // this goroutine is none of those
		began := time.Now()
		left := goroutines(id)
		for ; left != nil && time.Since(began) < timeout; left = goroutines(id) {
			time.Sleep(5 * time.Millisecond)
		}
		if left != nil {
			t.Errorf("goroutines are left:\n\n%s", bytes.Join(left, []byte("\n\n")))
		}
	})
}

var ignored = regexp.MustCompile(`\t(?:rpcscope/amqprpc/broker(?:/rabbitmq|/internal/\w+)?|os/signal)\.`)

// goroutines returns the stacks of goroutines with this text in a label.
func goroutines(label string) (stacks [][]byte) {
	var profile bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&profile, 1) //nolint:errcheck // a Buffer takes everything
	for stack := range bytes.SplitSeq(profile.Bytes(), []byte("\n\n")) {
		if bytes.Contains(stack, []byte(label)) && !ignored.Match(stack) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}
