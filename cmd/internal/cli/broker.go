package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
)

// BrokerFlags are the flags that say where the broker is.
type BrokerFlags struct {
	urls                     []string
	ca, cert, key, serverTLS string
}

// Add adds the flags to a set.
func (f *BrokerFlags) Add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.urls, "url", nil, "broker, amqp:// or amqps://; several, the nodes of a cluster, are\nseparated by spaces (default $AMQP_URL, else\n"+amqprpc.DefaultURL+")")
	flags.StringVar(&f.ca, "tls-ca", "", "PEM file of the CAs to trust for amqps://, instead of the system's")
	flags.StringVar(&f.cert, "tls-cert", "", "PEM file of a client certificate for amqps://")
	flags.StringVar(&f.key, "tls-key", "", "PEM file of the client certificate's key")
	flags.StringVar(&f.serverTLS, "tls-server-name", "", "the name that the broker's certificate must bear, if not the URL's host")
}

// Given reports whether somebody has named a broker: by a flag, or in the environment.
func (f *BrokerFlags) Given() bool {
	return len(f.urls) > 0 || len(strings.Fields(os.Getenv("AMQP_URL"))) > 0
}

// URLs returns the brokers to try: the flags', else the environment's AMQP_URL, else the
// default. Each value may hold several, separated by white space.
func (f *BrokerFlags) URLs() []string {
	var given []string
	for _, value := range f.urls {
		urls := strings.Fields(value)
		if len(urls) == 0 {
			urls = []string{value} // an error, rather than another broker
		}
		given = append(given, urls...)
	}
	if len(given) > 0 {
		return given
	}
	if urls := strings.Fields(os.Getenv("AMQP_URL")); len(urls) > 0 {
		return urls
	}
	return []string{amqprpc.DefaultURL}
}

// source says where the URL of this index comes from. The URL itself may hold a password.
func (f *BrokerFlags) source(index int) string {
	source := "$AMQP_URL"
	if len(f.urls) > 0 {
		source = "--url"
	}
	if len(f.URLs()) == 1 {
		return source
	}
	return fmt.Sprintf("number %d of %s", index+1, source)
}

// Use makes the flags name this broker, whatever they said, without TLS.
func (f *BrokerFlags) Use(url string) { *f = BrokerFlags{urls: []string{url}} }

// Environment is what a server process needs to reach the same broker: the
// value of AMQP_URL.
func (f *BrokerFlags) Environment() string { return strings.Join(f.URLs(), " ") }

// ServerArgs are the flags that a server process needs besides.
func (f *BrokerFlags) ServerArgs() []string {
	var args []string
	for _, a := range []struct{ flag, value string }{
		{"--tls-ca", f.ca}, {"--tls-cert", f.cert}, {"--tls-key", f.key}, {"--tls-server-name", f.serverTLS},
	} {
		if a.value != "" {
			args = append(args, a.flag+"="+a.value)
		}
	}
	return args
}

// Broker makes the library's configuration of the flags, for rpcscope; the name is its app_id.
// Errors are usage errors.
func (f *BrokerFlags) Broker(name string) (amqprpc.ConnConfig, error) {
	b := amqprpc.ConnConfig{URLs: f.URLs(), Name: name, Product: "rpcscope"}
	for i, u := range b.URLs {
		if _, err := amqprpc.Address(u); err != nil {
			if strings.ContainsAny(u, ",;") {
				err = fmt.Errorf("%w; separate several URLs with spaces", err)
			}
			return b, Fail(Usage, fmt.Errorf("%s: %w", f.source(i), err))
		}
	}
	if f.ca+f.cert+f.key+f.serverTLS != "" {
		var err error
		if b.TLS, err = amqprpc.LoadTLS(f.ca, f.cert, f.key, f.serverTLS); err != nil {
			return b, Fail(Usage, err)
		}
	}
	return b, nil
}
