//go:build unix

package rabbitmq_test

import (
	"crypto/tls"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	authority := brokertest.NewAuthority(t)
	cert, key := authority.Issue(t, time.Time{}, "127.0.0.1")
	n := rabbitmq.Own(t, rabbitmq.Config{TLS: &rabbitmq.TLS{CertFile: cert, KeyFile: key, CAFile: authority.File}})
	if _, err := amqp.DialTLS(n.TLSURL(), &tls.Config{RootCAs: authority.Pool}); err == nil {
		t.Error("a client without a certificate was accepted")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := amqp.DialTLS(n.TLSURL(), &tls.Config{RootCAs: authority.Pool, Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
