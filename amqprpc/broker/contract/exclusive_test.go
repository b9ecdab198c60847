package contract

import amqp "github.com/rabbitmq/amqp091-go"

var exclusiveTests = []test{
	{"ExclusiveLocked", exclusiveLocked},
	{"ExclusivePublish", exclusivePublish},
	{"ExclusiveSameConnection", exclusiveSameConnection},
}

// Other connections may do nothing with an exclusive queue but publish to it.
func exclusiveLocked(t *T) {
	queue := t.declare(t.open(), exclusive)
	conn := t.connect()
	for name, f := range map[string]func(ch *amqp.Channel) error{
		"declare":           func(ch *amqp.Channel) error { _, err := declareAs(ch, queue, exclusive); return err },
		"declare otherwise": func(ch *amqp.Channel) error { _, err := declareAs(ch, queue, durable); return err },
		"passive":           func(ch *amqp.Channel) error { _, err := passive(ch, queue); return err },
		"consume": func(ch *amqp.Channel) error {
			_, err := ch.Consume(queue, "", true, false, false, false, nil)
			return err
		},
		"get":    func(ch *amqp.Channel) error { _, _, err := ch.Get(queue, true); return err },
		"purge":  func(ch *amqp.Channel) error { _, err := ch.QueuePurge(queue, false); return err },
		"delete": func(ch *amqp.Channel) error { _, err := ch.QueueDelete(queue, false, false, false); return err },
	} {
		t.Log(name)
		t.wantError(f(t.channel(conn)), amqp.ResourceLocked,
			"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '"+queue+"' in vhost '")
	}
}

func exclusivePublish(t *T) {
	ch := t.open()
	queue := t.declare(ch, exclusive)
	deliveries := t.consume(ch, queue)
	t.put(t.open(), queue, bodies(1, 3)...)
	t.wantNext(deliveries, false, bodies(1, 3)...)
}

func exclusiveSameConnection(t *T) {
	conn := t.connect()
	queue := t.declare(t.channel(conn), exclusive)
	ch := t.channel(conn)
	t.put(ch, queue, "1", "2")
	if n, err := ch.QueuePurge(queue, false); err != nil || n != 2 {
		t.Errorf("purge on another channel of the connection: %d, %v", n, err)
	}
	t.put(ch, queue, "3")
	t.wantNext(t.consume(ch, queue), false, "3")
	if _, err := ch.QueueDelete(queue, false, false, false); err != nil {
		t.Errorf("delete on another channel of the connection: %v", err)
	}
}
