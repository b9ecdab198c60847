package broker_test

import (
	"context"
	"log/slog"
	"testing"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

// A stuckLog blocks at one message until it is released.
type stuckLog struct {
	slog.Handler
	at               string
	reached, release chan struct{}
}

func (l *stuckLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == l.at {
		l.reached <- struct{}{}
		<-l.release
	}
	return nil
}

// A log that blocks, as a paused terminal does, holds up only the connection that it is about.
func TestLogBlocks(t *testing.T) {
	for _, at := range []string{"channel closed", "memory alarm: connections that publish wait"} {
		t.Run(at, func(t *testing.T) {
			log := &stuckLog{slog.Default().Handler(), at, make(chan struct{}), make(chan struct{})}
			b := start(t, broker.Config{MemoryLimit: 1000, Log: slog.New(log)})
			p := login(t, b)
			p.send(1, &wire.QueueDeclare{Queue: "queue"})
			await[*wire.QueueDeclareOk](p)
			p.write(message(1, "queue", false, make([]byte, 2000)))
			p.send(1, &wire.BasicAck{DeliveryTag: 1})
			receive(t, log.reached)
			wantAliveWithoutPublishing(t, b)
			close(log.release)
			if got := p.outcome(); got != "channel 406 about 60.80" {
				t.Error(got)
			}
		})
	}
}
