package brokertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// state is what the helpers go by.
var state struct {
	sync.Mutex
	ctx     context.Context // while Main runs tests; ends with an interrupt
	env     environment
	kinds   []*kind         // that there are
	now     *kind           // of the run
	askedBy map[string]bool // the tests that have asked for a broker, by their top-level names
}

// Main runs the tests of a package on each broker that there is, one after the other, and
// ends the nodes that they shared; on an interrupt, too. It returns the
// exit code, the worst of them. A panicking test takes the process down, and the nodes with it.
//
//	func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }
func Main(m *testing.M) int {
	if !flag.Parsed() {
		flag.Parse()
	}
	if value("test.list") != "" {
		return m.Run()
	}
	env, err := readEnvironment()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	all, missing, err := kinds(env)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	finished := make(chan struct{})
	defer stop()
	defer close(finished) // before stop, which ends ctx as well
	go func() {
		<-ctx.Done()
		select {
		case <-finished:
		default:
			_ = endAll() // on our way out; nobody is left to tell
			os.Exit(130)
		}
	}()
	state.Lock()
	state.ctx, state.env, state.kinds, state.askedBy = ctx, env, all, map[string]bool{}
	state.Unlock()

	code := 0
	began := time.Now()
	for i, k := range toRun(all) {
		if i > 0 && !again(code, began) {
			break
		}
		state.Lock()
		state.now = k
		state.Unlock()
		fmt.Println("broker:", k.label)
		code = max(code, m.Run())
	}
	if missing != nil {
		fmt.Println("broker: not on RabbitMQ:", missing)
	}
	if err := endAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// toRun chooses the brokers to run on.
func toRun(all []*kind) []*kind {
	switch {
	case value("test.fuzz") != "" || value("test.fuzzworker") == "true":
		return all[:1]
	case value("test.bench") != "":
		return all[len(all)-1:]
	}
	return all
}

// again prepares another run of the tests, as far as there is anything to run. The
// testing package allows for several runs in a process, but not everything in it does.
func again(code int, began time.Time) bool {
	state.Lock()
	asked := slices.Sorted(maps.Keys(state.askedBy))
	state.Unlock()
	if len(asked) == 0 || code != 0 && value("test.failfast") == "true" {
		return false
	}
	if value("test.run") == "" {
		set("test.run", "^("+strings.Join(asked, "|")+")$")
	}
	// They are written once, after the first run; a second one would open these anew, and
	// so empty them.
	for _, file := range []string{"test.cpuprofile", "test.trace", "test.testlogfile"} {
		set(file, "")
	}
	if d, err := time.ParseDuration(value("test.timeout")); err == nil && d > 0 {
		set("test.timeout", max(d-time.Since(began), time.Second).String()) // it is for all runs together
	}
	return true
}

// value is what a flag says, "" where there is no such flag.
func value(name string) string {
	if f := flag.Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}

// set sets a flag of the testing package.
func set(name, value string) {
	if err := flag.Set(name, value); err != nil {
		panic(err) // there is no such flag any more
	}
}

func endAll() error {
	state.Lock()
	state.ctx = nil
	all := state.kinds
	state.Unlock()
	var errs []error
	for _, k := range all {
		errs = append(errs, k.end())
	}
	return errors.Join(errs...)
}

// asked notes that a test needs a broker, and returns that of the run. The name is the
// test's, or a pattern that examples have.
func asked(name string) (context.Context, *kind, error) {
	noteForCache()
	top, _, _ := strings.Cut(name, "/")
	state.Lock()
	defer state.Unlock()
	if state.ctx == nil || state.now == nil {
		return nil, nil, errors.New("this needs: func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }")
	}
	state.askedBy[top] = true
	return state.ctx, state.now, nil
}
