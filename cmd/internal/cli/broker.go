package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
)

// BrokerFlags are the flags that name the broker.
type BrokerFlags struct {
	urls []string
	tls  [len(tlsFlags)]string
}

// tlsFlags are the flags that set parameters of amqps:// URLs.
var tlsFlags = [...]struct{ name, parameter, usage string }{
	{"tls-ca", "cacertfile", "PEM file of the CAs to trust for amqps://, instead of the system's"},
	{"tls-cert", "certfile", "PEM file of a client certificate for amqps://"},
	{"tls-key", "keyfile", "PEM file of the client certificate's key"},
	{"tls-server-name", "server_name_indication", "name in the broker's certificate, if it is not the URL's host"},
}

// Add adds the flags to a set.
func (f *BrokerFlags) Add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.urls, "url", nil, "broker, amqp:// or amqps://; several, the nodes of a cluster, are\nseparated by spaces (default $AMQP_URL, else\n"+amqprpc.DefaultURL+")")
	for i, flag := range tlsFlags {
		flags.StringVar(&f.tls[i], flag.name, "", flag.usage)
	}
}

// Given reports whether a broker is named by a flag or in the environment.
func (f *BrokerFlags) Given() bool {
	return len(f.urls) > 0 || len(strings.Fields(os.Getenv("AMQP_URL"))) > 0
}

// URLs returns the URLs of the flags, else those of AMQP_URL, else the default. A value may hold several, separated by
// white space.
func (f *BrokerFlags) URLs() []string {
	var given []string
	for _, value := range f.urls {
		urls := strings.Fields(value)
		if len(urls) == 0 {
			urls = []string{value} // an empty --url is an error
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

// source returns the origin of a URL. Errors name that and not the URL, which may hold a password.
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

// Use makes the flags name this broker, without TLS.
func (f *BrokerFlags) Use(url string) { *f = BrokerFlags{urls: []string{url}} }

// Environment returns the value of AMQP_URL with which a server process connects to the same broker.
func (f *BrokerFlags) Environment() string {
	urls, _ := f.withTLS(f.URLs())
	return strings.Join(urls, " ")
}

// tlsGiven returns the names of the TLS flags that are set, or "".
func (f *BrokerFlags) tlsGiven() string {
	var names []string
	for i, value := range f.tls {
		if value != "" {
			names = append(names, "--"+tlsFlags[i].name)
		}
	}
	return strings.Join(names, ", ")
}

// withTLS returns the URLs with the values of the TLS flags as their first parameters, which override others of the
// same name. It returns an error if there are such flags and no amqps:// URL.
func (f *BrokerFlags) withTLS(urls []string) ([]string, error) {
	parameters, flags := url.Values{}, f.tlsGiven()
	for i, value := range f.tls {
		if value != "" {
			parameters.Set(tlsFlags[i].parameter, value)
		}
	}
	if flags == "" {
		return urls, nil
	}
	err := fmt.Errorf("%s: there is no amqps:// URL", flags)
	urls = slices.Clone(urls)
	for i, u := range urls {
		if strings.HasPrefix(strings.ToLower(u), "amqps://") {
			before, after, _ := strings.Cut(u, "?")
			urls[i] = before + "?" + parameters.Encode() + "&" + after
			err = nil
		}
	}
	return urls, err
}

// Broker returns the library's configuration for the flags. name is the connection's app_id. Its errors are usage
// errors.
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
	var err error
	if b.URLs, err = f.withTLS(b.URLs); err != nil {
		return b, Fail(Usage, err)
	}
	for i, u := range b.URLs {
		if err := amqprpc.CheckURL(u); err != nil { // before servers are started with it
			return b, Fail(Usage, fmt.Errorf("%s: %w", cmp.Or(f.tlsGiven(), f.source(i)), err))
		}
	}
	return b, nil
}
