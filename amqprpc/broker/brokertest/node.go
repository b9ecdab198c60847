package brokertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// A Node is a broker that tests talk to. Only the first three methods are for a node that is shared.
type Node interface {
	// URL is the address for clients: amqp://guest:guest@HOST:PORT/.
	URL() string
	// Product and Version are what the broker calls itself.
	Product() string
	Version() string

	// Stop shuts the broker down in good order: clients get a connection.close with 320, and
	// durable queues and persistent messages are kept. It returns when the broker has ended.
	Stop(ctx context.Context) error
	// Kill ends the broker as kill -9 does, and returns when it has ended.
	Kill()
	// Start starts it again at the same URL after Stop or Kill. It returns when the broker is ready.
	Start(ctx context.Context) error

	// Freeze makes the broker stand still with its connections open, until Thaw.
	Freeze() error
	Thaw() error

	// RaiseMemoryAlarm makes it block connections that publish, and tell them by connection.blocked
	// no later than at their next publish, until ClearMemoryAlarm.
	RaiseMemoryAlarm(ctx context.Context) error
	ClearMemoryAlarm(ctx context.Context) error

	// CloseConnections closes all connections with 320 and this reason.
	CloseConnections(ctx context.Context, reason string) error
}

// inProcess is an in-process broker.
type inProcess struct{ *broker.Broker }

func startInProcess() (inProcess, error) {
	b, err := broker.Start(broker.Config{})
	return inProcess{b}, err
}

func (inProcess) Product() string { return broker.Product }
func (inProcess) Version() string { return broker.Version }

func (n inProcess) Stop(context.Context) error             { n.Broker.Stop(); return nil }
func (n inProcess) Start(context.Context) error            { return n.Restart() }
func (n inProcess) Freeze() error                          { n.Broker.Freeze(); return nil }
func (n inProcess) Thaw() error                            { n.Broker.Thaw(); return nil }
func (n inProcess) RaiseMemoryAlarm(context.Context) error { n.RaiseAlarm(); return nil }
func (n inProcess) ClearMemoryAlarm(context.Context) error { n.ClearAlarm(); return nil }
func (n inProcess) CloseConnections(_ context.Context, reason string) error {
	n.Broker.CloseConnections(reason)
	return nil
}

// remote is a running RabbitMQ at the URL in RPCSCOPE_TEST_BROKER. It is only ever shared: the Node in it is nil.
type remote struct {
	Node
	url, product, version string
}

func (r remote) URL() string     { return r.url }
func (r remote) Product() string { return r.product }
func (r remote) Version() string { return r.version }

// dialRemote asks the broker at url for its product and version. Its errors do not contain the password.
//
// The user must be guest with the password guest: tests log in as that, and also with a wrong password. It keeps them off
// brokers that are in production as well.
func dialRemote(url string) (remote, error) {
	uri, err := amqp.ParseURI(url)
	if err != nil || uri.Scheme != "amqp" || uri.Username != "guest" || uri.Password != "guest" || uri.Vhost != "/" {
		return remote{}, fmt.Errorf("it must be %q, %q or amqp://guest:guest@HOST:PORT/", inProcessBroker, privateRabbitMQ)
	}
	address := net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))
	url = "amqp://guest:guest@" + address + "/"
	conn, err := amqp.DialConfig(url, amqp.Config{Heartbeat: 2 * time.Second, Dial: amqp.DefaultDial(10 * time.Second)})
	if err != nil {
		return remote{}, fmt.Errorf("no broker to test on at %q: %w", address, err)
	}
	defer conn.CloseDeadline(time.Now().Add(time.Second)) //nolint:errcheck // the properties are here
	property := func(key string) string {
		s, _ := conn.Properties[key].(string)
		return s
	}
	return remote{url: url, product: property("product"), version: property("version")}, nil
}

func startShared() (Node, func() error, error) {
	switch selected := selectedBroker(); selected {
	case inProcessBroker:
		n, err := startInProcess()
		return n, n.Close, err
	case privateRabbitMQ:
		// No test's context: the node outlives the test that starts it.
		n, err := rabbitmq.Start(context.Background(), rabbitmq.Config{})
		if err != nil {
			return nil, nil, err
		}
		return n, n.Close, nil
	default:
		n, err := dialRemote(selected)
		return n, nil, err
	}
}

// deleteQueue deletes a queue from the node if it exists.
func deleteQueue(node Node, queue string) error {
	if n, ok := node.(inProcess); ok {
		n.DeleteQueue(queue)
		return nil
	}
	if n, ok := node.(*rabbitmq.Node); ok && !n.Running() {
		return nil
	}
	// The heartbeat bounds the wait if the node does not answer.
	conn, err := amqp.DialConfig(node.URL(), amqp.Config{Heartbeat: time.Second, Dial: amqp.DefaultDial(5 * time.Second)})
	if err != nil {
		return err
	}
	defer conn.CloseDeadline(time.Now().Add(time.Second)) //nolint:errcheck // it was for the queue only
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	// If there is no such queue, that is no error.
	_, err = ch.QueueDelete(queue, false, false, false)
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Code == amqp.ResourceLocked {
		return nil // another connection's exclusive queue: it goes with the connection
	}
	return err
}
