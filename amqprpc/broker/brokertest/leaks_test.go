package brokertest_test

import (
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
)

// A recorder is a testing.TB that keeps the errors and the cleanups of a test.
type recorder struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, format)
	for _, a := range args {
		if b, ok := a.([]byte); ok {
			r.errors = append(r.errors, string(b))
		}
	}
}

// leak waits for release.
func leak(release <-chan struct{}) { <-release }

// NoLeaks reports a goroutine that the test started, or that a goroutine of the test did, and no other.
func TestNoLeaksReportsOwnGoroutines(t *testing.T) {
	brokertest.SkipIfShort(t) // NoLeaks waits before it reports
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	foreign := func() { go leak(release) }
	start := make(chan func())
	go func() {
		for f := range start {
			f()
		}
	}()
	t.Cleanup(func() { close(start) })
	for name, c := range map[string]struct {
		run   func()
		leaks bool
	}{
		"none":             {func() {}, false},
		"foreign":          {func() { start <- foreign }, false},
		"own":              {func() { go leak(release) }, true},
		"of its goroutine": {func() { go func() { go leak(release) }() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			brokertest.NoLeaks(r)
			c.run()
			for _, f := range r.cleanups {
				f()
			}
			reported := strings.Join(r.errors, "\n")
			if strings.Contains(reported, "brokertest_test.leak") != c.leaks || (reported != "") != c.leaks {
				t.Errorf("reported %q", reported)
			}
		})
	}
}
