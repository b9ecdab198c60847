package brokertest

import (
	"context"
	"errors"
	"fmt"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// A Node is a broker that tests talk to. All but its first three methods are for those
// that are a test's [Own]; the RabbitMQ at AMQP_URL answers them with an error that wraps
// [errors.ErrUnsupported].
type Node interface {
	// URL is where clients connect: amqp://guest:guest@HOST:PORT/.
	URL() string
	// Product and Version are what the broker calls itself.
	Product() string
	Version() string

	// Stop shuts the broker down in good order: clients get a connection.close with 320,
	// durable queues and persistent messages are kept. It returns when it has ended.
	Stop(ctx context.Context) error
	// Kill ends the broker as kill -9 does, and returns when it has ended.
	Kill()
	// Start starts it again, at the same URL, after Stop or Kill. It returns when it is ready.
	Start(ctx context.Context) error

	// Freeze makes it stand still with all its connections open, until Thaw.
	Freeze() error
	Thaw() error

	// RaiseMemoryAlarm makes it block connections that publish, and tell them so by
	// connection.blocked, at their next publish or before, until ClearMemoryAlarm.
	RaiseMemoryAlarm(ctx context.Context) error
	ClearMemoryAlarm(ctx context.Context) error

	// CloseConnections closes all connections with 320 and this reason.
	CloseConnections(ctx context.Context, reason string) error
}

var _ Node = (*rabbitmq.Node)(nil)

// inProcess is the in-process broker.
type inProcess struct{ *broker.Broker }

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

// remote is the RabbitMQ at AMQP_URL, which is others' too.
type remote struct{ url, product, version string }

func (r remote) URL() string     { return r.url }
func (r remote) Product() string { return r.product }
func (r remote) Version() string { return r.version }

var errNotOurs = fmt.Errorf("the RabbitMQ at AMQP_URL is not ours to tamper with: %w", errors.ErrUnsupported)

func (remote) Stop(context.Context) error                     { return errNotOurs }
func (remote) Kill()                                          {}
func (remote) Start(context.Context) error                    { return errNotOurs }
func (remote) Freeze() error                                  { return errNotOurs }
func (remote) Thaw() error                                    { return errNotOurs }
func (remote) RaiseMemoryAlarm(context.Context) error         { return errNotOurs }
func (remote) ClearMemoryAlarm(context.Context) error         { return errNotOurs }
func (remote) CloseConnections(context.Context, string) error { return errNotOurs }
