package amqprpc

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// firstWords is a connection that remembers how it began. amqp091-go tells of whatever goes
// wrong in a handshake as of a closed connection; mostly it is that the other side speaks
// something else, or has refused our certificate: TLS 1.3 says so after its handshake.
type firstWords struct {
	net.Conn
	past atomic.Bool // the handshake is over

	mu   sync.Mutex
	head byte // the first byte that came
	any  bool // one came
	err  error
}

func (w *firstWords) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if !w.past.Load() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if n > 0 && !w.any {
			w.head, w.any = p[0], true
		}
		if w.err == nil {
			w.err = err
		}
	}
	return n, err
}

// explain returns what a failed AMQP handshake is to be called.
func (w *firstWords) explain(err error) error {
	var said *amqp.Error
	if w == nil || errors.As(err, &said) && said.Server {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var alert *net.OpError
	const tlsAlert = 21 // the type of a TLS record
	switch {
	case errors.As(w.err, &alert) && alert.Op == "remote error": // what crypto/tls calls the other side's alerts
		return w.err
	case !w.any && w.err != nil:
		return &explained{"it closed the connection before it said anything: no AMQP broker, one that is not ready, or one that wants TLS (amqps://)", err}
	case w.any && w.head == tlsAlert:
		return &explained{"it speaks TLS: the URL should begin with amqps://", err}
	case w.any && w.head != wire.FrameMethod:
		return &explained{"it does not speak AMQP 0-9-1", err}
	}
	return err
}

// explainTLS returns what a failed TLS handshake is to be called.
func explainTLS(err error) error {
	var other tls.RecordHeaderError
	switch {
	case errors.As(err, &other):
		return &explained{"it does not speak TLS, which amqps:// asks for", err}
	case errors.Is(err, io.EOF):
		return &explained{"it closed the connection during the TLS handshake", err}
	}
	return err
}

// An explained is an error in better words.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }
