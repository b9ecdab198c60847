package link

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A handshake is a net.Conn that explains why a handshake failed. amqp091-go reports only a closed
// connection; mostly the other side speaks another protocol, or refused our certificate, which TLS 1.3
// reports after its handshake.
type handshake struct {
	net.Conn

	mu    sync.Mutex
	begun bool  // the first byte arrived
	first byte  // it
	err   error // the first error
}

func (h *handshake) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	if n > 0 && !h.begun {
		h.begun, h.first = true, p[0]
	}
	if h.err == nil {
		h.err = err
	}
	return n, err
}

// explain returns a better error for a failed AMQP handshake.
func (h *handshake) explain(err error) error {
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Server {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var alert *net.OpError
	const tlsAlert = 21 // the type of a TLS record
	switch {
	case errors.As(h.err, &alert) && alert.Op == "remote error": // an alert of the other side, in crypto/tls
		return h.err
	case !h.begun && h.err != nil:
		return &explainedError{"it closed the connection before it said anything: no AMQP broker, one that is not ready, or one that wants TLS (amqps://)", err}
	case h.begun && h.first == tlsAlert:
		return &explainedError{"it speaks TLS: the URL should begin with amqps://", err}
	case h.begun && h.first != wire.FrameMethod:
		return &explainedError{"it does not speak AMQP 0-9-1", err}
	}
	return err
}

// explainTLS returns a better error for a failed TLS handshake.
func explainTLS(err error) error {
	var other tls.RecordHeaderError
	switch {
	case errors.As(err, &other):
		return &explainedError{"it does not speak TLS, which amqps:// asks for", err}
	case errors.Is(err, io.EOF):
		return &explainedError{"it closed the connection during the TLS handshake", err}
	}
	return err
}

// An explainedError is an error with a better text.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.err }
