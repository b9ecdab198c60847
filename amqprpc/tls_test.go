package amqprpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// Each failure of TLS has its own error, from Dial and from Serve, before the dial timeout.
func TestTLSRefused(t *testing.T) {
	plain, err := amqprpc.Address(brokertest.Shared(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	ours, others := brokertest.NewAuthority(t), brokertest.NewAuthority(t)
	front := func(demand tls.ClientAuthType, until time.Time, names ...string) string {
		cert, err := tls.LoadX509KeyPair(ours.Issue(t, until, names...))
		if err != nil {
			t.Fatal(err)
		}
		return brokertest.TLSFront(t, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: demand, ClientCAs: ours.Pool}, plain)
	}
	const here = "127.0.0.1"
	yesterday := time.Now().AddDate(0, 0, -1)
	good := front(tls.NoClientCert, time.Time{}, here, "localhost")
	demanding := front(tls.RequireAndVerifyClientCert, time.Time{}, here)
	cert, key := ours.Issue(t, time.Time{}, "client")
	oldCert, oldKey := ours.Issue(t, yesterday, "client")
	foreignCert, foreignKey := others.Issue(t, time.Time{}, "client")
	for name, c := range map[string]struct {
		address string
		ca      string
		files   [2]string // the client's certificate and key
		server  string    // name
		scheme  string    // default amqps
		want    string    // "" is a connection
	}{
		"fine":                            {address: good, ca: ours.File},
		"a name that it bears":            {address: front(tls.NoClientCert, time.Time{}, "rabbit"), ca: ours.File, server: "rabbit"},
		"another name":                    {address: good, ca: ours.File, server: "rabbit", want: "certificate is valid for localhost, not rabbit"},
		"another host's certificate":      {address: front(tls.NoClientCert, time.Time{}, "rabbit"), ca: ours.File, want: "it doesn't contain any IP SANs"},
		"expired":                         {address: front(tls.NoClientCert, yesterday, here), ca: ours.File, want: "certificate has expired"},
		"another CA":                      {address: good, ca: others.File, want: "certificate signed by unknown authority"},
		"the system's CAs":                {address: good, want: "certificate signed by unknown authority"},
		"with a client certificate":       {address: demanding, ca: ours.File, files: [2]string{cert, key}},
		"without a client certificate":    {address: demanding, ca: ours.File, want: "certificate required"},
		"an expired client certificate":   {address: demanding, ca: ours.File, files: [2]string{oldCert, oldKey}, want: "certificate"},
		"a client certificate of another": {address: demanding, ca: ours.File, files: [2]string{foreignCert, foreignKey}, want: "certificate"},
		"TLS to a plain port":             {address: plain, ca: ours.File, want: "it does not speak TLS"},
		"plain to a TLS port":             {address: good, scheme: "amqp", want: "wants TLS (amqps://)"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.scheme == "" {
				c.scheme = "amqps"
			}
			broker := amqprpc.ConnConfig{URLs: []string{c.scheme + "://guest:guest@" + c.address + tlsParameters(c.ca, c.files[0], c.files[1], c.server)}, DialTimeout: time.Hour}
			within(t, "dial", func() {
				client, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: broker})
				if c.want == "" {
					if err != nil {
						t.Error(err)
						return
					}
					client.Close()
					return
				}
				served := (&amqprpc.Server{ConnConfig: broker, Queue: "q", Handler: echo}).Serve(context.Background())
				for _, err := range []error{err, served} {
					var d *amqprpc.DialError
					if !errors.As(err, &d) || d.Connected || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "cannot connect to "+c.address+": ") || strings.Contains(err.Error(), "guest") {
						t.Errorf("%v, want %q", err, c.want)
					}
				}
			})
		})
	}
}
