package broker_test

import (
	"testing"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/contract"
)

// What RabbitMQ does, this broker does.
func TestContract(t *testing.T) {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() }) // not defer: the tests are parallel
	contract.Run(t, b.URL())
}
