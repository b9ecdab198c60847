package main

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/spf13/pflag"

	"rpcscope/tui/lab"
)

// serviceFlags say what is asked of a server that is not fib's.
type serviceFlags struct {
	body, contentType, expect string
	headers                   []string
}

// mostExpect is how long a regular expression may be, in bytes: it is in recordings.
const mostExpect = 1024

func (f *serviceFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.body, "body", "", "ask a server of your own for this instead of fib; {k} is the call's\n"+
		"number, {n} a random one from --fib's range, {n:1-100} from this one,\n{uuid} a random UUID, {{ a brace; '' is an empty body")
	flags.StringVar(&f.contentType, "content-type", "text/plain", "of the bodies of --body")
	flags.StringArrayVar(&f.headers, "header", nil, "NAME=VALUE, a header of the requests of --body; repeatable")
	flags.StringVar(&f.expect, "expect", "", "regular expression (Go's) that the reply to a --body matches somewhere,\nelse it is a wrong answer; (?s)\\A...\\z is for all of it")
}

// service returns the service that the flags mean, nil where it is fib. Errors are about
// usage.
func (f *serviceFlags) service(flags *pflag.FlagSet, n *lab.Fib) (*lab.Service, error) {
	given := flags.Changed
	if !given("body") {
		for _, other := range []string{"content-type", "header", "expect"} {
			if given(other) {
				return nil, fmt.Errorf("--%s is for requests of your own: it needs --body", other)
			}
		}
		return nil, nil
	}
	s := &lab.Service{ContentType: f.contentType}
	var err error
	if s.Body, err = lab.ParseTemplate(f.body, n); err != nil {
		return nil, fmt.Errorf("--body: %w", err)
	}
	if given("fib") && !s.Body.HasN() {
		return nil, fmt.Errorf("--fib is the range of {n}, which --body has not")
	}
	if len(s.ContentType) > 255 {
		return nil, fmt.Errorf("--content-type is longer than 255 bytes")
	}
	if s.Headers, err = lab.ParseHeaders(f.headers); err != nil {
		return nil, fmt.Errorf("--header %w", err)
	}
	if given("expect") {
		if len(f.expect) > mostExpect {
			return nil, fmt.Errorf("--expect is longer than %d bytes", mostExpect)
		}
		if s.Expect, err = regexp.Compile(f.expect); err != nil {
			if bad := (*syntax.Error)(nil); errors.As(err, &bad) {
				err = fmt.Errorf("%s: %q", bad.Code, bad.Expr)
			}
			return nil, fmt.Errorf("--expect is not a regular expression: %w", err)
		}
	}
	return s, nil
}
