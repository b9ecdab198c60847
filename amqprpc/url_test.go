package amqprpc

import (
	"errors"
	"strings"
	"testing"
)

// Each URL that is refused is refused for its own reason, and none of it is quoted.
func TestURLErrors(t *testing.T) {
	const (
		several     = "several AMQP URLs in one"
		behindHost  = "an @ or a # behind its host"
		port        = "port is not a number from 1 to 65535"
		encoding    = "must be percent-encoded"
		whiteSpace  = "has white space in it"
		schemes     = "begins with amqp:// or amqps://"
		heartbeat   = "heartbeat is not a whole number of seconds from 0 to 65535"
		connTimeout = "connection_timeout is not a whole number of milliseconds"
		channelMax  = "channel_max is not a whole number from 0 to 65535"
		mechanism   = "auth_mechanism is neither plain, amqplain nor external"
	)
	for _, c := range []struct{ url, want string }{ // "" for a good one
		{"amqp://guest:guest@h/,amqp://bob:hunter2@h2:5672/", several},
		{"amqp://guest:guest@h/;amqp://bob:hunter2@h2:5672/", several},
		{"amqp://guest:guest@h,amqp://bob:hunter2@h2:5672/", several},
		{"amqp://guest:guest@h:5672;amqp://bob:hunter2@h2", several},
		{"amqp://guest:guest@h|amqp://bob:hunter2@h2", behindHost},
		{"amqp://guest:guest@h/|amqp://h2", several},
		{"amqp://guest:hunter2@h:5672,bob:hunter2@h2:5672/", several},
		{"amqp://guest:guest@h/,bob:hunter2@h2/", several},
		{"amqp://guest:guest@h1,h2:5672/", several},
		{"amqp://h1/;h2/", several},
		{"amqp://guest:guest@h/?heartbeat=5,amqp://bob:hunter2@h2", several},
		{"amqp://u:1hunter2/x@h", behindHost},
		{"amqp://u:12/hunter2@h", behindHost},
		{"amqp://u:12?hunter2@h", behindHost},
		{"amqp://u:12#hunter2@h", behindHost},
		{"amqp://u:p@h/v#hunter2", behindHost},
		{"amqp://u:hunter2%@h", encoding},
		{"amqp://u:hunter2%zz@h", encoding},
		{"amqp://u:hunter2 @h", whiteSpace},
		{"amqp://u:hunter2\n@h", whiteSpace},
		{"http://u:hunter2@h", schemes},
		{"u:hunter2@h", schemes},
		{"hunter2", schemes},
		{"", schemes},
		{"amqp://u:hunter2", port},
		{"amqp://h:hunter2", port},
		{"amqp://h:0", port},
		{"amqp://h:65536", port},
		{"amqp://[::1]:hunter2", port},
		{"amqp://[::1", encoding},
		{"amqp://h?heartbeat=30s", heartbeat},
		{"amqp://h?heartbeat=65536", heartbeat},
		{"amqp://h?heartbeat=-1", heartbeat},
		{"amqp://h?heartbeat=", heartbeat},
		{"amqp://h?connection_timeout=abc", connTimeout},
		{"amqp://h?channel_max=many", channelMax},
		{"amqp://h?auth_mechanism=nonsense", mechanism},
		{"amqp://h?auth_mechanism=plain&auth_mechanism=nonsense", mechanism},
		{"amqp://h?certfile=%zz", encoding},

		{"amqp://u:p,q;r@h", ""},
		{"amqp://u:p@q@h", ""},
		{"AMQPS://u:p@h:5671/a%2Cb%40c", ""},
		{"amqp://", ""},
		{"amqp:///v", ""},
		{"amqp://h:/", ""},
		{"amqp://[::1]:5672/v", ""},
		{"amqp://[::1]", ""},
		{"amqp://h?heartbeat=0&connection_timeout=5000&channel_max=10&auth_mechanism=PLAIN&auth_mechanism=amqplain&blocked_connection_timeout=5.5", ""},
	} {
		_, err := parseURL(c.url)
		switch {
		case c.want == "":
			if err != nil {
				t.Errorf("%q: %v", c.url, err)
			}
		case !errors.Is(err, ErrInvalidConfig) || !strings.Contains(err.Error(), c.want):
			t.Errorf("%q: %v, want %q", c.url, err, c.want)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%q: the error shows a password: %v", c.url, err)
		}
	}
}
