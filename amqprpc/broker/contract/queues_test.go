package contract

import (
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

var queueTests = []test{
	{"QueueServerNamed", queueServerNamed},
	{"QueueDeclareAgain", queueDeclareAgain},
	{"QueueInequivalent", queueInequivalent},
	{"QueueEquivalent", queueEquivalent},
	{"QueueTypes", queueTypes},
	{"QueuePassive", queuePassive},
	{"QueueCounts", queueCounts},
	{"QueueReservedNames", queueReservedNames},
	{"QueueLastDeclared", queueLastDeclared},
	{"QueueDeclareNoWait", queueDeclareNoWait},
	{"QueueNames", queueNames},
}

func queueServerNamed(t *T) {
	conn := t.connect()
	ch := t.channel(conn)
	seen := map[string]bool{}
	for range 3 {
		q, err := declareAs(ch, "", exclusive)
		t.must(err)
		if !strings.HasPrefix(q.Name, "amq.gen-") || len(q.Name) < 20 || seen[q.Name] {
			t.Errorf("the server named a queue %q; before: %v", q.Name, seen)
		}
		if q.Messages != 0 || q.Consumers != 0 {
			t.Errorf("a new queue has %d messages and %d consumers", q.Messages, q.Consumers)
		}
		seen[q.Name] = true
	}
	// The prefix is reserved even for the owner. A passive declaration is permitted.
	for name := range seen {
		if q, err := passive(ch, name); err != nil || q.Name != name {
			t.Errorf("passive %s: %+v, %v", name, q, err)
		}
		_, err := declareAs(t.channel(conn), name, exclusive)
		t.wantError(err, amqp.AccessRefused, "contains reserved prefix 'amq.*'")
	}
}

func queueDeclareAgain(t *T) {
	all := map[string]kind{
		"durable":     durable,
		"auto-delete": {durable: true, autoDelete: true},
		"exclusive":   exclusive,
		"all":         {durable: true, autoDelete: true, exclusive: true},
		"classic":     classic,
		"quorum":      quorum,
	}
	if t.takesTransient() {
		all["transient"] = transient
	}
	for name, k := range all {
		t.Log(name)
		ch := t.open()
		queue := t.declare(ch, k)
		t.put(ch, queue, "kept")
		q, err := declareAs(ch, queue, k)
		if err != nil || q.Name != queue {
			t.Errorf("%s: declared again: %+v, %v", name, q, err)
			continue
		}
		t.wantReady(ch, queue, 1)
	}
}

// A declaration that differs from the existing queue closes the channel.
func queueInequivalent(t *T) {
	autoDelete := kind{durable: true, autoDelete: true}
	mine := kind{durable: true, exclusive: true}
	takesTransient := t.takesTransient()
	for _, c := range []struct {
		name          string
		first, second kind
		code          int
		words         []string
	}{
		{"durable", durable, transient, amqp.PreconditionFailed,
			[]string{"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '", "' in vhost '", "': received 'false' but current is 'true'"}},
		{"not durable", transient, durable, amqp.PreconditionFailed,
			[]string{"inequivalent arg 'durable' for queue '", "': received 'true' but current is 'false'"}},
		{"auto-delete", durable, autoDelete, amqp.PreconditionFailed,
			[]string{"inequivalent arg 'auto_delete' for queue '", "': received 'true' but current is 'false'"}},
		{"not auto-delete", autoDelete, durable, amqp.PreconditionFailed,
			[]string{"inequivalent arg 'auto_delete' for queue '", "': received 'false' but current is 'true'"}},
		{"quorum for classic", classic, quorum, amqp.PreconditionFailed,
			[]string{"inequivalent arg 'x-queue-type' for queue '", "received 'quorum' but current is 'classic'"}},
		{"classic for quorum", quorum, classic, amqp.PreconditionFailed,
			[]string{"inequivalent arg 'x-queue-type' for queue '", "received 'classic' but current is 'quorum'"}},
		{"quorum for the default", durable, quorum, amqp.PreconditionFailed,
			[]string{"inequivalent arg 'x-queue-type' for queue '", "received", "but current is"}},
		{"the default for quorum", quorum, durable, amqp.PreconditionFailed,
			[]string{"inequivalent arg 'x-queue-type' for queue '", "received", "but current is"}},
		// A difference in exclusive is a question of access.
		{"exclusive", durable, mine, amqp.ResourceLocked, nil},
		{"not exclusive", mine, durable, amqp.ResourceLocked, nil},
	} {
		if !takesTransient && (c.first.isTransient() || c.second.isTransient()) {
			continue
		}
		t.Log(c.name)
		ch := t.open()
		queue := t.declare(ch, c.first)
		closed := closing(ch)
		_, err := declareAs(ch, queue, c.second)
		t.wantError(err, c.code, append(c.words, queue)...)
		t.wantClosed(closed, c.code)
		t.wantThere(queue)
	}
}

// Some declarations differ and are equivalent.
func queueEquivalent(t *T) {
	ch := t.open()
	for name, c := range map[string]struct{ first, second kind }{
		"an exclusive queue is never durable": {exclusive, kind{exclusive: true, durable: true}},
		"nor is this":                         {kind{exclusive: true, durable: true}, exclusive},
		"the default is classic":              {durable, classic},
		"classic is the default":              {classic, durable},
	} {
		queue := t.declare(ch, c.first)
		if _, err := declareAs(ch, queue, c.second); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func queueTypes(t *T) {
	typed := func(k kind, queueType any) kind {
		k.args = amqp.Table{"x-queue-type": queueType}
		return k
	}
	takesTransient := t.takesTransient()
	for _, c := range []struct {
		name string
		kind kind
		code int // 0: no error
	}{
		{"classic", typed(durable, "classic"), 0},
		{"classic, transient", typed(transient, "classic"), 0},
		{"classic, exclusive", typed(exclusive, "classic"), 0},
		{"quorum", typed(durable, "quorum"), 0},
		{"quorum, transient", typed(transient, "quorum"), amqp.PreconditionFailed},
		{"quorum, exclusive", typed(kind{durable: true, exclusive: true}, "quorum"), amqp.PreconditionFailed},
		{"quorum, auto-delete", typed(kind{durable: true, autoDelete: true}, "quorum"), amqp.PreconditionFailed},
		{"unknown", typed(durable, "fancy"), amqp.PreconditionFailed},
		{"not a string", typed(durable, int32(1)), amqp.PreconditionFailed},
	} {
		if !takesTransient && c.kind.isTransient() {
			continue
		}
		t.Log(c.name)
		ch, name := t.open(), t.name()
		_, err := declareAs(ch, name, c.kind)
		if c.code == 0 {
			t.must(err)
			continue
		}
		t.wantError(err, c.code)
		t.wantGone(name)
		t.Log(err)
	}
}

func queuePassive(t *T) {
	conn := t.connect()
	name := t.name()
	_, err := passive(t.channel(conn), name)
	t.wantError(err, amqp.NotFound, "NOT_FOUND - no queue '"+name+"' in vhost '")

	ch := t.channel(conn)
	_, err = declareAs(ch, name, kind{durable: true, autoDelete: true})
	t.must(err)
	// Only the name counts.
	q, err := ch.QueueDeclarePassive(name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	if err != nil || q.Name != name {
		t.Errorf("passive with other attributes: %+v, %v", q, err)
	}
}

// Unacked messages are not counted.
func queueCounts(t *T) {
	for _, k := range kinds {
		t.Log(k.name)
		ch := t.open()
		queue := t.declare(ch, k.kind)
		t.put(ch, queue, bodies(1, 3)...)
		t.wantReady(ch, queue, 3)
		d := t.get(ch, queue)
		t.wantReady(ch, queue, 2)
		t.must(d.Nack(false, true))
		t.wantReady(ch, queue, 3)

		t.must(ch.Qos(2, 0, false))
		deliveries := t.consumeAs(ch, queue, "a")
		t.next(deliveries)
		t.next(deliveries)
		deliveries = t.consumeAs(ch, queue, "b")
		last := t.next(deliveries)
		t.eventually("2 consumers", func() (any, bool) {
			q, err := passive(ch, queue)
			t.must(err)
			return q, q.Consumers == 2
		})
		t.must(last.Ack(true)) // a quorum queue of RabbitMQ counts consumers with unacked messages
		t.must(ch.Cancel("b", false))
		t.must(ch.Cancel("a", false))
		t.eventually("no consumer", func() (any, bool) {
			q, err := passive(ch, queue)
			t.must(err)
			return q, q.Consumers == 0
		})
	}
}

// Only the broker may choose names that begin with amq.
func queueReservedNames(t *T) {
	ch := t.open()
	_, err := declareAs(ch, "amq.mine", exclusive)
	t.wantError(err, amqp.AccessRefused, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'")
	ch = t.open()
	_, err = passive(ch, "amq.gen-nobody")
	t.wantError(err, amqp.NotFound)
}

// The empty name stands for the queue that was declared last on the channel.
func queueLastDeclared(t *T) {
	ch := t.open()
	t.declare(ch, exclusive)
	queue := t.declare(ch, exclusive)
	t.put(ch, queue, bodies(1, 4)...)

	d := t.get(ch, "")
	t.must(d.Ack(false))
	deliveries := t.consumeAs(ch, "", "tag")
	t.wantNext(deliveries, false, "2", "3", "4")
	t.must(ch.Cancel("tag", false))
	if n, err := ch.QueuePurge("", false); err != nil || n != 0 {
		t.Errorf("purge: %d, %v", n, err)
	}
	if _, err := ch.QueueDelete("", false, false, false); err != nil {
		t.Errorf("delete: %v", err)
	}
	t.wantGone(queue)

	// A passive declaration is an exception, in contradiction to the specification.
	t.declare(ch, exclusive)
	_, err := passive(ch, "")
	t.wantError(err, amqp.NotFound, "NOT_FOUND - no queue '' in vhost '")

	for name, f := range map[string]func(ch *amqp.Channel) error{
		"consume": func(ch *amqp.Channel) error {
			_, err := ch.Consume("", "", false, false, false, false, nil)
			return err
		},
		"get":    func(ch *amqp.Channel) error { _, _, err := ch.Get("", false); return err },
		"purge":  func(ch *amqp.Channel) error { _, err := ch.QueuePurge("", false); return err },
		"delete": func(ch *amqp.Channel) error { _, err := ch.QueueDelete("", false, false, false); return err },
	} {
		t.Log(name, "on a channel that has declared nothing")
		err := f(t.open())
		t.wantError(err, amqp.NotFound, "NOT_FOUND - no previously declared queue")
	}
}

func queueDeclareNoWait(t *T) {
	ch := t.open()
	name := t.name()
	_, err := ch.QueueDeclare(name, false, false, true, true, nil)
	t.must(err)
	_, err = passive(ch, name)
	t.must(err)
	// Without an answer, there still is an error.
	closed := closing(ch)
	_, err = ch.QueueDeclare(name, false, true, true, true, nil)
	t.must(err)
	t.wantClosed(closed, amqp.PreconditionFailed)
}

// A name is up to 255 bytes of UTF-8. RabbitMQ removes line ends, which is not tested.
func queueNames(t *T) {
	ch := t.open()
	for _, name := range []string{
		strings.Repeat("n", 255-60) + "-" + t.name()[len(t.name())-26:],
		"contract \t'\"\\ ☃ " + t.name(),
	} {
		q, err := declareAs(ch, name, exclusive)
		if err != nil || q.Name != name {
			t.Errorf("declare %q: %+v, %v", name, q, err)
			ch = t.open()
			continue
		}
		t.put(ch, name, "here")
		if d := t.get(ch, name); string(d.Body) != "here" || d.RoutingKey != name {
			t.Errorf("from %q: %q, routed by %q", name, d.Body, d.RoutingKey)
		}
		if _, err := ch.QueueDelete(name, false, false, false); err != nil {
			t.Errorf("delete %q: %v", name, err)
		}
	}
}
