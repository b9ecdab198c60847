package cli

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// An error says which URL is wrong and does not quote it.
func TestBrokerURLErrors(t *testing.T) {
	const good, bad = "amqp://localhost/", "http://u:hunter2@h/"
	const commas, semicolons = "amqp://guest:guest@h/,amqp://bob:hunter2@h2:5672/", "amqp://guest:guest@h/;amqp://bob:hunter2@h2:5672/"
	for _, c := range []struct {
		env  string
		args []string
		want string // begin of the error, "" for none
	}{
		{"", nil, ""},
		{good, nil, ""},
		{bad, nil, "$AMQP_URL: "},
		{good + " " + bad, nil, "number 2 of $AMQP_URL: "},
		{bad, []string{"--url", good}, ""},
		{good, []string{"--url", bad}, "--url: "},
		{good, []string{"--url", good, "--url", good, "--url", bad}, "number 3 of --url: "},
		{good, []string{"--url", good + " " + good, "--url", bad}, "number 3 of --url: "},
		{bad, []string{"--url", good + " " + good}, ""},
		{good, []string{"--url", ""}, "--url: "},
		{commas, nil, "$AMQP_URL: "},
		{semicolons, nil, "$AMQP_URL: "},
		{good, []string{"--url", commas}, "--url: "},
	} {
		t.Setenv("AMQP_URL", c.env)
		var f BrokerFlags
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		f.Add(flags)
		if err := flags.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		_, err := f.Broker("me")
		if c.want == "" {
			if err != nil {
				t.Errorf("AMQP_URL %q, %q: %v", c.env, c.args, err)
			}
			continue
		}
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Code != Usage || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("AMQP_URL %q, %q: %v, want %q", c.env, c.args, err, c.want)
		}
		if list := strings.ContainsAny(c.env+strings.Join(c.args, ""), ",;"); list != strings.Contains(err.Error(), "separate several URLs with spaces") {
			t.Errorf("AMQP_URL %q, %q: %v", c.env, c.args, err)
		}
	}
}

// The TLS flags override the parameters of the URLs, also for servers that are started. They are checked first, and
// need an amqps:// URL.
func TestTLSFlags(t *testing.T) {
	ca := brokertest.NewAuthority(t).File
	const first, rest = "amqps://u:hunter2@h/v?", "&heartbeat=5&cacertfile=none.pem&server_name_indication=other"
	for _, c := range []struct {
		urls, want string // the first of the URLs, or an error
		args       []string
	}{
		{urls: "amqps://h", want: "amqps://h"},
		{urls: "AMQPS://h", args: []string{"--tls-ca", ca}, want: "AMQPS://h?cacertfile=" + url.QueryEscape(ca) + "&"},
		{urls: first + rest[1:], args: []string{"--tls-ca", ca, "--tls-server-name", "a b"},
			want: first + "cacertfile=" + url.QueryEscape(ca) + "&server_name_indication=a+b" + rest},
		{urls: "amqp://h amqps://h", args: []string{"--tls-ca", ca}, want: "amqp://h"},
		{urls: "amqp://u:hunter2@h", args: []string{"--tls-ca", ca}, want: "--tls-ca: there is no amqps:// URL"},
		{urls: first, args: []string{"--tls-ca", "none.pem"}, want: "--tls-ca: CA file: open none.pem: no such file or directory"},
		{urls: first, args: []string{"--tls-ca", "broker_test.go"}, want: "--tls-ca: CA file broker_test.go holds no PEM certificate"},
		{urls: first, args: []string{"--tls-cert", ca}, want: "--tls-cert: a TLS certificate and its key must be given together"},
		{urls: first, args: []string{"--tls-cert", ca, "--tls-key", ca}, want: "--tls-cert, --tls-key: TLS certificate: tls: found a certificate rather than a key in the PEM for the private key"},
		{urls: first + rest[1:], want: "$AMQP_URL: CA file: open none.pem: no such file or directory"},
	} {
		t.Setenv("AMQP_URL", c.urls)
		var f BrokerFlags
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		f.Add(flags)
		if err := flags.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		b, err := f.Broker("me")
		if err != nil {
			var exit *ExitError
			if !errors.As(err, &exit) || exit.Code != Usage || strings.Replace(err.Error(), amqprpc.ErrInvalidConfig.Error()+": ", "", 1) != c.want {
				t.Errorf("%q, %q: %v, want %q", c.urls, c.args, err, c.want)
			}
			continue
		}
		if b.URLs[0] != c.want || f.Environment() != strings.Join(b.URLs, " ") {
			t.Errorf("%q, %q: %q, and %q for servers; want %q", c.urls, c.args, b.URLs, f.Environment(), c.want)
		}
	}
}
