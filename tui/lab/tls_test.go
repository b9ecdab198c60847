package lab_test

import (
	"crypto/tls"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// Replies by hand go over TLS where the calls do.
func TestHandOverTLS(t *testing.T) {
	authority := brokertest.NewAuthority(t)
	cert, key := authority.Issue(t, time.Time{}, "127.0.0.1")
	node := brokertest.RabbitMQ(t, rabbitmq.Config{TLS: &rabbitmq.TLS{CertFile: cert, KeyFile: key}})
	for what, broker := range map[string]amqprpc.ConnConfig{
		"by configuration": {URLs: []string{node.TLSURL()}, TLS: &tls.Config{RootCAs: authority.Pool}},
		"by the URL":       {URLs: []string{node.TLSURL() + "?cacertfile=" + authority.File}},
	} {
		t.Run(what, func(t *testing.T) {
			cfg := config(t, node)
			cfg.Broker = broker
			l := open(t, cfg)
			id, err := l.UnknownReply(t.Context())
			must(t, err)
			untilNoted(t, l, "unknown reply "+id[:8]+" came in")
		})
	}
}
