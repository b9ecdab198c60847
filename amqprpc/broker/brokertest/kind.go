package brokertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// A kind is one of the brokers that tests run on, and its node that they share.
type kind struct {
	name  string // as in RPCSCOPE_TEST_BROKERS
	label string // for people
	url   string // AMQP_URL; "" where the shared node is a private one
	why   error  // no node of one's own can be started; nil: one can be

	mu    sync.Mutex
	ended bool
	node  Node
	close func() error
	err   error // of the shared node's start, which is tried once
}

// kinds finds the brokers that there are. missing says why there is no RabbitMQ.
func kinds(env environment) (found []*kind, missing, err error) {
	if env.runsOn(inProcessName) {
		found = append(found, &kind{name: inProcessName, label: broker.Product + " " + broker.Version})
	}
	if !env.runsOn(rabbitmqName) {
		if env.requires(NeedRabbitMQ) {
			return nil, nil, errors.New("RPCSCOPE_TEST_REQUIRE has rabbitmq, and RPCSCOPE_TEST_BROKERS leaves it out")
		}
		return found, errors.New("RPCSCOPE_TEST_BROKERS leaves it out"), nil
	}
	version, absent := rabbitmq.Installed(rabbitmq.Config{})
	k := &kind{name: rabbitmqName, label: "RabbitMQ " + version + " (installed)", why: absent}
	if env.url != "" {
		k.url = env.url
		if k.node, k.label, err = reach(env.url); err != nil {
			return nil, nil, fmt.Errorf("AMQP_URL: %w", err)
		}
		return append(found, k), nil, nil
	}
	if absent == nil {
		return append(found, k), nil, nil
	}
	if env.requires(NeedRabbitMQ) || len(found) == 0 {
		return nil, nil, fmt.Errorf("required, and missing: %w", absent)
	}
	return found, absent, nil
}

// reach asks the broker at AMQP_URL what it is. Errors are without the password.
//
// Tests log in as guest with the password guest, also by other ways than the URL, and with
// the wrong password. So that is what AMQP_URL must say, which also keeps them off brokers that
// are in earnest use.
func reach(url string) (node Node, label string, err error) {
	uri, err := amqp.ParseURI(url)
	if err != nil {
		return nil, "", errors.New("not an AMQP URL")
	}
	address := net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))
	if uri.Scheme != "amqp" || uri.Username != "guest" || uri.Password != "guest" || uri.Vhost != "/" {
		return nil, "", errors.New("tests run on amqp://guest:guest@HOST:PORT/ and on nothing else; unset it to run them on a private node")
	}
	url = "amqp://guest:guest@" + address + "/"
	conn, err := amqp.DialConfig(url, amqp.Config{Heartbeat: 2 * time.Second, Dial: amqp.DefaultDial(10 * time.Second)})
	if err != nil {
		return nil, "", fmt.Errorf("no broker to test on at %s: %w", printable(address), err)
	}
	defer conn.CloseDeadline(time.Now().Add(time.Second)) //nolint:errcheck // the answer is here
	said := func(key string) string {
		s, _ := conn.Properties[key].(string)
		return s
	}
	r := remote{url, said("product"), said("version")}
	return r, fmt.Sprintf("%s %s (AMQP_URL, at %s)", printable(r.product), printable(r.version), printable(address)), nil
}

// printable is text from elsewhere, fit for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// start starts a node.
func (k *kind) start(ctx context.Context) (Node, func() error, error) {
	if k.name == inProcessName {
		b, err := broker.Start(broker.Config{})
		if err != nil {
			return nil, nil, err
		}
		return inProcess{b}, b.Close, nil
	}
	n, err := rabbitmq.Start(ctx, rabbitmq.Config{})
	if err != nil {
		return nil, nil, err
	}
	return n, n.Close, nil
}

// share returns the shared node; the first to ask for it starts it.
func (k *kind) share(ctx context.Context) (Node, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return nil, errors.New("the tests are over")
	}
	if k.node == nil && k.err == nil {
		k.node, k.close, k.err = k.start(ctx)
	}
	if p, ok := k.node.(*rabbitmq.Node); ok && !p.Running() {
		return nil, fmt.Errorf("the shared RabbitMQ node has ended; its last words:\n%s", p.LogTail())
	}
	return k.node, k.err
}

// end closes the shared node, and lets no other be started.
func (k *kind) end() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.close == nil || k.ended {
		k.ended = true
		return nil
	}
	k.ended = true
	if err := k.close(); err != nil {
		return fmt.Errorf("close the shared node, %s: %w", k.label, err)
	}
	return nil
}

// forget deletes a queue from the shared node, if both exist.
func (k *kind) forget(queue string) error {
	k.mu.Lock()
	node := k.node
	if k.ended {
		node = nil
	}
	k.mu.Unlock()
	if p, ok := node.(*rabbitmq.Node); node == nil || ok && !p.Running() {
		return nil
	}
	// A short heartbeat bounds what follows, should the node not answer.
	conn, err := amqp.DialConfig(node.URL(), amqp.Config{Heartbeat: time.Second, Dial: amqp.DefaultDial(5 * time.Second)})
	if err != nil {
		return err
	}
	defer conn.CloseDeadline(time.Now().Add(time.Second)) //nolint:errcheck // it was for the queue only
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	// The answer is delete-ok for a queue that is not there, too.
	_, err = ch.QueueDelete(queue, false, false, false)
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Code == amqp.ResourceLocked {
		return nil // another connection's exclusive queue: it goes with that
	}
	return err
}
