package amqprpc

import (
	"errors"
	"net"
	"strings"
	"testing"
	"unicode"
)

// Whatever stands around a password in a URL, neither the address nor an error shows it, and an address is fit for
// a screen.
func FuzzAddress(f *testing.F) {
	for _, s := range [][3]string{
		{"amqp://guest", "", "@localhost:5672/"}, {"amqps://u", "%zz", "@h"}, {"amqp://", "", "@[::1"}, {"http://u", "", "@h/"}, {"u", "", ""},
		{"amqp://u", "#", "@h"}, {"amqp://u", "/", "@h:1"}, {"amqp://u", "\n", "@h"}, {"amqp://u", "", "@h:99999"}, {"amqp://u", "", "@\u202eh\u009b/"},
		{"amqp://u", "", "@h?heartbeat=x"}, {"amqp://u", "@", "@h"}, {"amqp://u", "", "@%1b%5b2J:5672"}, {"amqp://u", "", "@[fe80::1%25\x1b]:5672"}, {"Amqp://", "", "@]"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, before, inside, after string) {
		const secret = "hunter2hunter2"
		address, err := Address(before + ":" + secret + inside + secret + after)
		if err != nil {
			if !errors.Is(err, ErrInvalidConfig) || strings.Contains(err.Error(), secret) || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("an error of %q", err)
			}
			return
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil || port == "" {
			t.Errorf("%q is no address: %v", address, err)
		}
		// Without an @ the password would be the host's name.
		if strings.Contains(before+inside+after, "@") && strings.Contains(host, secret) && !strings.Contains(before+inside, "@") && !strings.ContainsAny(before+inside, "/?#") {
			t.Errorf("the password is in %q", address)
		}
		if strings.ContainsFunc(address, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("an address of %q", address)
		}
	})
}
