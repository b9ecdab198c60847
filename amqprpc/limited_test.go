package amqprpc_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// limited is a RabbitMQ node that takes messages of up to 100,000 bytes and frames of up to 8,192, and whose
// administrator is the tests. They share it, since a boot costs seconds of CPU, and keep apart by queues and users.
var limited struct {
	sync.Mutex
	node *rabbitmq.Node
	err  error
}

const limitedConf = "max_message_size = 100000\nframe_max = 8192\n"

// limitedNode returns the limited node. It skips the test if the run is not on RabbitMQ.
func limitedNode(t *testing.T) *rabbitmq.Node {
	t.Helper()
	brokertest.OnRabbitMQ(t)
	limited.Lock()
	defer limited.Unlock()
	if limited.node == nil && limited.err == nil {
		// No test's context: the node outlives the test that starts it.
		limited.node, limited.err = rabbitmq.Start(context.Background(), rabbitmq.Config{Conf: limitedConf})
	}
	if limited.err != nil {
		t.Fatal(limited.err)
	}
	return limited.node
}

// closeLimitedNode closes the limited node if a test has started it.
func closeLimitedNode() error {
	limited.Lock()
	defer limited.Unlock()
	if limited.node == nil {
		return nil
	}
	return limited.node.Close()
}

const password = "pa55-w0rd"

// A permission set is the user's configure, write and read.
type permissions [3]string

// addUsers adds users to the virtual host "/" in one call of rabbitmqctl, each of which costs a second of CPU. Those
// with the zero permissions have none at all.
func addUsers(t *testing.T, node *rabbitmq.Node, users map[string]permissions) {
	t.Helper()
	var b strings.Builder
	for name, p := range users {
		fmt.Fprintf(&b, "ok = rabbit_auth_backend_internal:add_user(<<%q>>, <<%q>>, <<\"test\">>), ", name, password)
		if p != (permissions{}) {
			b.WriteString(setPermissions(name, p) + ", ")
		}
	}
	brokertest.Ctl(t, node, "eval", b.String()+"ok.")
}

// setPermissions returns the Erlang expression that sets a user's permissions.
func setPermissions(name string, p permissions) string {
	return fmt.Sprintf("ok = rabbit_auth_backend_internal:set_permissions(<<%q>>, <<\"/\">>, <<%q>>, <<%q>>, <<%q>>, <<\"test\">>)", name, p[0], p[1], p[2])
}

// as returns the node for a user.
func as(node *rabbitmq.Node, name string) amqprpc.ConnConfig {
	return at(strings.Replace(node.URL(), "guest:guest", name+":"+password, 1))
}
