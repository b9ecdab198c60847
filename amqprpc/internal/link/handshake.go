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

// A handshake is a connection that remembers how it began. amqp091-go reports whatever goes wrong in a
// handshake as a closed connection; mostly the other side speaks another protocol, or has refused our
// certificate: TLS 1.3 reports that after its handshake.
type handshake struct {
	net.Conn

	mu    sync.Mutex
	over  bool
	first byte // the first byte that came
	any   bool // one came
	err   error
}

func (h *handshake) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return n, err
	}
	if n > 0 && !h.any {
		h.first, h.any = p[0], true
	}
	if h.err == nil {
		h.err = err
	}
	return n, err
}

// established ends the handshake.
func (h *handshake) established() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
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
	case errors.As(h.err, &alert) && alert.Op == "remote error": // crypto/tls calls the other side's alerts so
		return h.err
	case !h.any && h.err != nil:
		return &explainedError{"it closed the connection before it said anything: no AMQP broker, one that is not ready, or one that wants TLS (amqps://)", err}
	case h.any && h.first == tlsAlert:
		return &explainedError{"it speaks TLS: the URL should begin with amqps://", err}
	case h.any && h.first != wire.FrameMethod:
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

// An explainedError is an error in better words.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }
func (e *explainedError) Unwrap() error { return e.err }
