package cluster

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/rabbitmq"
)

// declare makes a durable queue of this type by way of a node, where its leader, or it
// itself, will be.
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

// replicas is what rabbitmqctl tells of a quorum queue.
type replicas struct {
	Leader          string
	Members, Online []string
}

func look(ctx context.Context, n *rabbitmq.Node, queue string) (r replicas, err error) {
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
// rabbitmqctl is the only one to ask, and tells nobody by itself.
func awaitReplicas(t *testing.T, n *rabbitmq.Node, queue string) replicas {
	t.Helper()
	ctx := within(t)
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for {
		r, err := look(ctx, n, queue)
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
