package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// An error says which URL it is about, and quotes none.
func TestBrokerURLErrors(t *testing.T) {
	const good, bad = "amqp://localhost/", "http://u:hunter2@h/"
	const commas, semicolons = "amqp://guest:guest@h/,amqp://bob:hunter2@h2:5672/", "amqp://guest:guest@h/;amqp://bob:hunter2@h2:5672/"
	for _, c := range []struct {
		env  string
		args []string
		want string // how the error begins; "" for none
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
