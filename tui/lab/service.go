package lab

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/tui/report"
)

// A Service is what to ask of a server that is not fib's, and how to tell a right answer.
type Service struct {
	Body        *Template
	ContentType string
	Headers     amqp.Table
	// Expect is what the body of a right answer matches, somewhere in it; nil is any.
	Expect *regexp.Regexp
}

// with returns the same service with another body.
func (s *Service) with(body *Template) *Service {
	other := *s
	other.Body = body
	return &other
}

// Request makes the request number k: it is a load.Source.
func (s *Service) Request(k int64, rng *rand.Rand) amqprpc.Request {
	return amqprpc.Request{Body: s.Body.Body(k, rng), ContentType: s.ContentType, Headers: maps.Clone(s.Headers)}
}

// Check returns an error where the reply is not what is expected. It quotes the reply.
func (s *Service) Check(_ amqprpc.Request, reply amqprpc.Reply) error {
	if s.Expect == nil || s.Expect.Match(reply.Body) {
		return nil
	}
	by := ""
	if reply.Server != "" {
		by = fmt.Sprintf(", says %.40q", reply.Server)
	}
	return fmt.Errorf("%s is no match for %.60q%s", quoted(reply.Body), s.Expect.String(), by)
}

// quoted is the beginning of a body: text in quotes, or else hexadecimal.
func quoted(body []byte) string {
	if isText(body) {
		return fmt.Sprintf("%.40q", body)
	}
	return result(body)
}

// Name is the beginning of the request's body.
func (s *Service) Name(req amqprpc.Request) string { return result(req.Body) }

// Describe fills in what of a run's configuration is about what is asked for.
func (s *Service) Describe(c *report.RunConfig) {
	c.Body = new(s.Body.String())
	if s.Body.HasN() {
		c.Fib = s.Body.n.String()
	}
	if s.Expect != nil {
		c.Expect = s.Expect.String()
	}
}

// mostHeaders is how much the headers of a [Service] may be, in bytes.
const mostHeaders = 16 << 10

// ParseHeaders reads headers such as tenant=blue, whose values are strings. The error is
// an amqprpc.ErrInvalidConfig and begins with the header that is wrong, quoted.
func ParseHeaders(all []string) (amqp.Table, error) {
	if len(all) == 0 {
		return nil, nil
	}
	const mostName = 128 // AMQP 0-9-1, 4.2.5.5
	headers, size := make(amqp.Table, len(all)), 0
	for _, text := range all {
		name, value, ok := strings.Cut(text, "=")
		_, twice := headers[name]
		switch {
		case !ok || name == "":
			return nil, invalid("%.40q is not NAME=VALUE", text)
		case len(name) > mostName || !utf8.ValidString(name) || strings.ContainsFunc(name, notInName):
			return nil, invalid("%.40q has a name that is longer than %d bytes, or not of visible characters", text, mostName)
		case strings.EqualFold(name, amqprpc.HeaderRPC) || strings.HasPrefix(strings.ToLower(name), "x-rpc-"):
			return nil, invalid("%.40q is one of the client's own: x-rpc, and those that begin with x-rpc-", text)
		case name == "CC" || name == "BCC":
			return nil, invalid("%.40q would have RabbitMQ send copies elsewhere", text)
		case twice:
			return nil, invalid("%.40q is there twice", name)
		}
		if size += len(text); size > mostHeaders {
			return nil, invalid("%.40q is too much: headers of more than %d bytes", text, mostHeaders)
		}
		headers[name] = value
	}
	return headers, nil
}

// notInName reports whether a character has no place in the name of a header.
func notInName(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }
