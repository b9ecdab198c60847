package amqprpc

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/secret"
)

// Redact returns text with *** instead of the user names and passwords of URLs in it.
func Redact(text string) string { return secret.Redact(text) }

// Address returns the host:port of an AMQP URL. The error wraps [ErrInvalidConfig].
func Address(url string) (string, error) {
	uri, err := parseURL(url)
	if err != nil {
		return "", err
	}
	return addressOf(uri), nil
}

func addressOf(uri amqp.URI) string { return net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port)) }

// parseURL checks and parses a URL. Its errors never quote the URL, as those of net/url and of amqp091-go do.
func parseURL(u string) (amqp.URI, error) {
	if err := checkURL(u); err != nil {
		return amqp.URI{}, fmt.Errorf("%w: %w", ErrInvalidConfig, err)
	}
	uri, err := amqp.ParseURI(u)
	if err != nil {
		return uri, fmt.Errorf("%w: the AMQP URL cannot be parsed", ErrInvalidConfig)
	}
	return uri, nil
}

// checkURL refuses some URLs that net/url accepts, because their addresses would show a password: net/url takes a
// list of URLs for one URL with a long path, and a slash in a password for the end of the host.
func checkURL(u string) error {
	scheme, rest, ok := strings.Cut(u, "://")
	if scheme = strings.ToLower(scheme); !ok || scheme != "amqp" && scheme != "amqps" {
		return errors.New("an AMQP URL begins with amqp:// or amqps://")
	}
	if strings.ContainsFunc(rest, unicode.IsSpace) {
		return errors.New("the AMQP URL has white space in it (write %20 for a space)")
	}
	authority, after := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, after = rest[:end], rest[end:]
	}
	at := strings.LastIndex(authority, "@")
	host, user := authority[at+1:], authority[:max(at, 0)]
	switch _, second, two := strings.Cut(user, "@"); {
	case strings.ContainsAny(host+after, ",;"), strings.Contains(after, "://"), two && strings.ContainsAny(second, ",;"):
		return errors.New("several AMQP URLs in one (in a name write %2C for a comma and %3B for a semicolon)")
	case strings.ContainsAny(after, "@#"):
		return errors.New("the AMQP URL has an @ or a # behind its host (in a user name or password write %2F for /, %3F for ?, %23 for # and %40 for @)")
	}
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') && i < len(host)-1 {
		if n, err := strconv.ParseUint(host[i+1:], 10, 16); err != nil || n == 0 {
			return errors.New("the AMQP URL's port is not a number from 1 to 65535")
		}
	}
	parsed, err := url.Parse(u)
	if err != nil {
		return errors.New("special characters in the AMQP URL must be percent-encoded, such as %25 for %")
	}
	name := parsed.Hostname()
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == '[' || r == ']' }) {
		return errors.New("the AMQP URL's host is not a host name")
	}
	return checkParameters(parsed)
}

// checkParameters checks the parameters of RabbitMQ's URI specification that are not free text.
func checkParameters(u *url.URL) error {
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the AMQP URL's parameters must be percent-encoded")
	}
	for _, p := range []struct {
		name string
		bits int
		want string
	}{
		{"heartbeat", 16, "a whole number of seconds from 0 to 65535"},
		{"connection_timeout", 31, "a whole number of milliseconds"},
		{"channel_max", 16, "a whole number from 0 to 65535"},
	} {
		if _, err := strconv.ParseUint(params.Get(p.name), 10, p.bits); params.Has(p.name) && err != nil {
			return fmt.Errorf("the AMQP URL's %s is not %s", p.name, p.want)
		}
	}
	for _, m := range params["auth_mechanism"] {
		if !slices.Contains([]string{"plain", "amqplain", "external"}, strings.ToLower(m)) {
			return errors.New("the AMQP URL's auth_mechanism is neither plain, amqplain nor external")
		}
	}
	return nil
}
