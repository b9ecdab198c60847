package secret

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"no colon, a@b", "no colon, a@b"},
		{"cannot connect to localhost:5672: connection refused", "cannot connect to localhost:5672: connection refused"},
		{"amqp://localhost:5672/ and amqps://[::1]:5671/x", "amqp://localhost:5672/ and amqps://[::1]:5671/x"},
		{`unknown command "amqp://bob:hunter2@h:5672/v" for "x"`, `unknown command "amqp://***@h:5672/v" for "x"`},
		{"vhost ,amqp://bob:hunter2@h2:5672/ not found", "vhost ***@h2:5672/ not found"},
		{"vhost x;bob:hunter2@h2 not found", "vhost ***@h2 not found"},
		{"amqp://bob:hun/ter@2@h/", "amqp://***@h/"},
		{`"amqp://bob:hunter2`, `"amqp://bob:***`},
		{`"amqp://bob:hunter2…"`, `"amqp://bob:***"`},
		{"two: amqp://a:hunter2@h amqp://b:hunter2@i", "two: amqp://***@h amqp://***@i"},
	} {
		if got := Redact(c.text); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.text, got, c.want)
		}
	}
}

// A list of URLs shows no password, with any separator.
func TestRedactLists(t *testing.T) {
	for _, separator := range []string{",", ";", "|", ", ", "; ", "\n", ""} {
		for _, url := range []string{"amqp://bob:hunter2@h:5672/", "bob:hunter2@h", "amqps://:hunter2@h/v?heartbeat=5"} {
			list := url + separator + url + separator + url
			if got := Redact("vhost '" + list + "' not found"); strings.Contains(got, "hunter2") {
				t.Errorf("%q becomes %q", list, got)
			}
		}
	}
}
