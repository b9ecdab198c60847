package cluster

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/rabbitmq"
)

// declare makes a durable queue of this type on a node: its leader, or the queue itself, is there.
func declare(t *testing.T, n *rabbitmq.Node, queue, kind string) {
	t.Helper()
	conn, err := amqp.Dial(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(queue, true, false, false, false, amqp.Table{amqp.QueueTypeArg: kind}); err != nil {
		t.Fatal(err)
	}
}

// replicas is rabbitmqctl's information about a quorum queue.
type replicas struct {
	Leader          string
	Members, Online []string
}

func queueReplicas(ctx context.Context, n *rabbitmq.Node, queue string) (r replicas, err error) {
	out, err := n.Ctl(ctx, "list_queues", "name", "leader", "members", "online", "--formatter", "json")
	if err != nil {
		return r, err
	}
	var all []json.RawMessage // queues of other types have other members
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return r, err
	}
	for _, one := range all {
		var it struct{ Name string }
		if err := json.Unmarshal(one, &it); err != nil {
			return r, err
		}
		if it.Name == queue {
			return r, json.Unmarshal(one, &r)
		}
	}
	return r, nil
}

// awaitReplicas waits until the quorum queue has a leader and all its members online.
// It polls rabbitmqctl, because there is no notification.
func awaitReplicas(t *testing.T, n *rabbitmq.Node, queue string) replicas {
	t.Helper()
	ctx := within(t)
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for {
		r, err := queueReplicas(ctx, n, queue)
		if err == nil && len(r.Members) == nodes && len(r.Online) == nodes && r.Leader != "" {
			return r
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("not all members of %s came online: %+v, error %v", queue, r, err)
		}
	}
}
