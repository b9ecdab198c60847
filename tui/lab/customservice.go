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

// A Workload makes requests and checks their answers. It is a [Fib] or a [Service]. Its methods may
// be called from many goroutines.
type Workload interface {
	// Request returns request number k. It is a load.Source.
	Request(k int64, rng *rand.Rand) amqprpc.Request
	// Check returns an error if the answer is wrong. It may quote request and reply.
	Check(req amqprpc.Request, reply amqprpc.Reply) error
	// Name describes a request. It may quote the body.
	Name(req amqprpc.Request) string
	// Describe sets the fields of a run's configuration that depend on the workload.
	Describe(*report.RunConfig)
}

// A Service is the workload for a server other than fibserver.
type Service struct {
	Body        *Template
	ContentType string
	Headers     amqp.Table
	Expect      *regexp.Regexp // matches right answers; nil matches all
}

// Request implements [Workload].
func (s *Service) Request(k int64, rng *rand.Rand) amqprpc.Request {
	return amqprpc.Request{Body: s.Body.Body(k, rng), ContentType: s.ContentType, Headers: maps.Clone(s.Headers)}
}

// Check implements [Workload].
func (s *Service) Check(_ amqprpc.Request, reply amqprpc.Reply) error {
	if s.Expect == nil || s.Expect.Match(reply.Body) {
		return nil
	}
	err := fmt.Errorf("%.40q is no match for %.60q", reply.Body, s.Expect.String())
	if reply.Server != "" {
		err = fmt.Errorf("%w, says %.40q", err, reply.Server)
	}
	return err
}

// Name implements [Workload]. It returns the beginning of the body.
func (s *Service) Name(req amqprpc.Request) string { return bodyText(req.Body) }

// Describe implements [Workload].
func (s *Service) Describe(c *report.RunConfig) {
	c.Body = new(s.Body.String())
	if s.Body.HasN() {
		c.Fib = s.Body.n.String()
	}
	if s.Expect != nil {
		c.Expect = s.Expect.String()
	}
}

const maxHeaderName = 128 // AMQP 0-9-1, section 4.2.5.5

// ParseHeaders reads headers such as tenant=blue. Their values are strings. The error is an
// amqprpc.ErrInvalidConfig that begins with the quoted header.
func ParseHeaders(all []string) (amqp.Table, error) {
	if len(all) == 0 {
		return nil, nil
	}
	headers := make(amqp.Table, len(all))
	for _, text := range all {
		name, value, ok := strings.Cut(text, "=")
		_, exists := headers[name]
		switch {
		case !ok || name == "":
			return nil, invalid("%.40q is not NAME=VALUE", text)
		case len(name) > maxHeaderName || !utf8.ValidString(name) ||
			strings.ContainsFunc(name, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
			return nil, invalid("%.40q has a name that is longer than %d bytes, or has invisible characters", text, maxHeaderName)
		case strings.EqualFold(name, amqprpc.HeaderRPC) || strings.HasPrefix(strings.ToLower(name), "x-rpc-"):
			return nil, invalid("%.40q is one of the client's own: x-rpc, and those that begin with x-rpc-", text)
		case name == "CC" || name == "BCC":
			return nil, invalid("%.40q would make RabbitMQ send copies elsewhere", text)
		case exists:
			return nil, invalid("%.40q is there twice", name)
		}
		headers[name] = value
	}
	return headers, nil
}
