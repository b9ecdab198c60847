package lab_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/tui/lab"
)

// A reply by hand that the user may not publish names the permission that is missing.
func TestHandDenied(t *testing.T) {
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	brokertest.Ctl(t, node, "add_user", "writeless", "secret")
	brokertest.Ctl(t, node, "set_permissions", "-p", "/", "writeless", ".*", "^$", ".*")
	cfg := config(t, node)
	cfg.Broker.URLs = []string{strings.Replace(node.URL(), "guest:guest", "writeless:secret", 1)}
	l := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range 2 { // on a new connection
		until(t, l, "connected", func(look lab.Snapshot) bool {
			return look.Ledger.Connection.Epochs > i && look.Ledger.Connection.Connected
		})
		_, err := l.UnknownReply(ctx)
		var denied *amqprpc.PermissionError
		if !errors.As(err, &denied) || denied.Permission != "write" || denied.Name != "amq.default" || denied.User != "writeless" || !strings.Contains(err.Error(), denied.Error()) {
			t.Errorf("%v", err)
		}
	}
}
