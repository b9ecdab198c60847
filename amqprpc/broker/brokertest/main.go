package brokertest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/rabbitmq"
)

const (
	brokerVariable  = "RPCSCOPE_TEST_BROKER"
	requireVariable = "RPCSCOPE_TEST_REQUIRE"
)

// Values of RPCSCOPE_TEST_BROKER. A third is a URL.
const (
	inProcessBroker = "in-process"
	privateRabbitMQ = "rabbitmq"
)

// Values that RPCSCOPE_TEST_REQUIRE may list.
const (
	NeedRabbitMQ = "rabbitmq"
	NeedPython   = "python"
	NeedPerl     = "perl"
	NeedRuby     = "ruby"
	NeedNode     = "node"
)

// shared is the node that [Shared] returns. The first test that asks for it starts it.
var shared struct {
	sync.Mutex
	started, ended bool
	node           Node
	close          func() error
	err            error
}

// Main runs the tests of a package and then closes the node that they shared. It returns the exit code.
//
//	func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }
func Main(m *testing.M) int {
	flag.Parse()
	label, err := brokerLabel()
	if err == nil {
		_, err = required()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("broker:", label)
	code := m.Run()
	if err := endShared(); err != nil {
		fmt.Fprintln(os.Stderr, "close the shared node:", err)
		code = max(code, 1)
	}
	return code
}

// selectedBroker returns the value of RPCSCOPE_TEST_BROKER. It reads the variable anew, since `go test` caches a result
// together with those variables that were read while tests ran.
func selectedBroker() string {
	if selected := os.Getenv(brokerVariable); selected != "" {
		return selected
	}
	if benchmarks := flag.Lookup("test.bench"); benchmarks != nil && benchmarks.Value.String() != "" {
		if _, err := rabbitmq.Installed(); err == nil {
			return privateRabbitMQ
		}
	}
	return inProcessBroker
}

// brokerLabel names the broker of the run. It returns an error if there is none.
func brokerLabel() (string, error) {
	switch selected := selectedBroker(); selected {
	case inProcessBroker:
		return broker.Product + " " + broker.Version, nil
	case privateRabbitMQ:
		version, err := rabbitmq.Installed()
		return "RabbitMQ " + version, err
	default:
		node, err := dialRemote(selected)
		if err != nil {
			return "", fmt.Errorf("%s: %w", brokerVariable, err)
		}
		return fmt.Sprintf("%q %q at %s", node.product, node.version, node.url), nil
	}
}

// share returns the shared node and starts it if it is the first call.
func share() (Node, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.ended {
		return nil, errors.New("the tests are over")
	}
	if !shared.started {
		shared.started = true
		shared.node, shared.close, shared.err = startShared()
	}
	if n, ok := shared.node.(*rabbitmq.Node); ok && !n.Running() {
		return nil, fmt.Errorf("the shared RabbitMQ node has ended; its last output:\n%s", n.LogTail())
	}
	return shared.node, shared.err
}

// endShared closes the shared node.
func endShared() error {
	shared.Lock()
	defer shared.Unlock()
	shared.ended = true
	if shared.close == nil {
		return nil
	}
	return shared.close()
}

// required returns the list in RPCSCOPE_TEST_REQUIRE.
func required() (list []string, err error) {
	known := []string{NeedRabbitMQ, NeedPython, NeedPerl, NeedRuby, NeedNode}
	for word := range strings.SplitSeq(os.Getenv(requireVariable), ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if !slices.Contains(known, word) {
			return nil, fmt.Errorf("%s has %q: it may list %s", requireVariable, word, strings.Join(known, ", "))
		}
		list = append(list, word)
	}
	return list, nil
}

// Requires reports whether RPCSCOPE_TEST_REQUIRE lists need. [Main] reports an invalid list.
func Requires(need string) bool {
	list, err := required()
	return err == nil && slices.Contains(list, need)
}

// Absent is for the TestMain of a package whose tests all need something that is missing, such as NeedPython. It returns the exit
// code: 1 if RPCSCOPE_TEST_REQUIRE lists need, else that of [NoTests].
func Absent(need string, why error) int {
	list, err := required()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	case slices.Contains(list, need):
		fmt.Fprintln(os.Stderr, "required, and missing:", why)
		return 1
	}
	return NoTests(why)
}

// NoTests is for the TestMain of a package that runs no tests. It prints why, and the line by which `go test` marks the package
// as "[no tests to run]". It returns the exit code 0.
func NoTests(why error) int {
	fmt.Println(why)
	fmt.Println("testing: warning: no tests to run")
	return 0
}

// ErrShort is a reason for [NoTests].
var ErrShort = errors.New("not with -short: all tests take longer than a second")

// Short reports whether the tests run with -short. Unlike [testing.Short] it may be called from TestMain.
func Short() bool {
	flag.Parse()
	return testing.Short()
}
