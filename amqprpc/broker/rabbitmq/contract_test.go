//go:build unix

package rabbitmq_test

import (
	"testing"

	"rpcscope/amqprpc/broker/contract"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// RabbitMQ keeps the contract by which the in-process broker is measured.
func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, rabbitmq.Own(t, rabbitmq.Config{}).URL())
}
