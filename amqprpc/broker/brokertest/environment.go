package brokertest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"rpcscope/amqprpc/broker/rabbitmq"
)

// What RPCSCOPE_TEST_REQUIRE may list.
const (
	NeedRabbitMQ = "rabbitmq"
	NeedPython   = "python"
	NeedPerl     = "perl"
	NeedRuby     = "ruby"
	NeedNode     = "node"
)

// What RPCSCOPE_TEST_BROKERS may list.
const (
	inProcessName = "in-process"
	rabbitmqName  = "rabbitmq"
)

// An environment is what the environment variables say.
type environment struct {
	url      string   // of a RabbitMQ
	required []string // of NeedRabbitMQ, NeedPython and so on
	brokers  []string // to run on; nil: all that there are
}

func readEnvironment() (env environment, err error) {
	env.url = os.Getenv("AMQP_URL")
	var err1, err2 error
	env.required, err1 = list("RPCSCOPE_TEST_REQUIRE", NeedRabbitMQ, NeedPython, NeedPerl, NeedRuby, NeedNode)
	env.brokers, err2 = list("RPCSCOPE_TEST_BROKERS", inProcessName, rabbitmqName)
	return env, errors.Join(err1, err2)
}

// list reads a variable that lists some of these words, with commas between them.
func list(variable string, words ...string) (found []string, err error) {
	for word := range strings.SplitSeq(os.Getenv(variable), ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if !slices.Contains(words, word) {
			return nil, fmt.Errorf("%s has %q: it may list %s", variable, word, strings.Join(words, ", "))
		}
		found = append(found, word)
	}
	return found, nil
}

func (env *environment) requires(what string) bool { return slices.Contains(env.required, what) }

func (env *environment) runsOn(broker string) bool {
	return len(env.brokers) == 0 || slices.Contains(env.brokers, broker)
}

// noteForCache reads what decides about the brokers once more, while tests are running:
// `go test` keeps a result until something changes that was read then, and does not see
// what TestMain reads before.
var noteForCache = sync.OnceFunc(func() {
	_, _ = readEnvironment()
	_, _ = rabbitmq.Installed(rabbitmq.Config{})
})

// Requires reports whether RPCSCOPE_TEST_REQUIRE has this. [Main] reports a value that cannot be used.
func Requires(what string) bool {
	env, err := readEnvironment()
	return err == nil && env.requires(what)
}

// Absent is for the TestMain of a package none of whose tests can run, since what they
// need is missing: NeedRabbitMQ or NeedPython. It prints why, and the line at which `go test`
// marks the package "[no tests to run]", and returns the exit code: 1 where
// RPCSCOPE_TEST_REQUIRE has it, else 0. `go test` does not cache such a result.
func Absent(what string, why error) int {
	env, err := readEnvironment()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	case env.requires(what):
		fmt.Fprintln(os.Stderr, "required, and missing:", why)
		return 1
	}
	fmt.Println(why)
	fmt.Println("testing: warning: no tests to run")
	return 0
}
