package contract

import (
	"fmt"

	"rpcscope/amqprpc/internal/wire"
)

// isRabbitMQ reports whether the broker is a RabbitMQ of this version or a later one. If RabbitMQ has changed, the tests hold
// each version to its own behaviour, and the in-process broker to that of 3.10.
//
// The suite was last run on 3.10.8, 4.0.5 and 4.3.6. A change between two of them is attributed to the version whose release
// notes mention it, or else to the earliest possible one.
func (t *T) isRabbitMQ(major, minor int) bool {
	t.Helper()
	product, _ := t.bystander.Properties["product"].(string)
	version, _ := t.bystander.Properties["version"].(string)
	if product != "RabbitMQ" {
		return false
	}
	var x, y int
	if _, err := fmt.Sscanf(version, "%d.%d", &x, &y); err != nil {
		t.Fatalf("version %q of RabbitMQ: %v", version, err)
	}
	return x > major || x == major && y >= minor
}

// takesTransient reports whether the broker accepts queues that are neither durable nor exclusive. RabbitMQ 4.3 closes the
// connection unless its configuration permits them, as Debian's does.
func (t *T) takesTransient() bool {
	t.Helper()
	p := t.login()
	p.send(1, &wire.QueueDeclare{Queue: t.name()})
	outcome := p.outcome()
	t.wantOutcome("a transient queue", outcome, goesOn, closeWith(541, 50, 10))
	return outcome == goesOn
}
