//go:build unix

package rabbitmq_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// Without RabbitMQ there are no tests to run.
func TestMain(m *testing.M) {
	if brokertest.Short() {
		os.Exit(brokertest.NoTests(brokertest.ErrShort))
	}
	if _, err := rabbitmq.Installed(); err != nil {
		os.Exit(brokertest.Absent(brokertest.NeedRabbitMQ, err))
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
