package main

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/spf13/pflag"

	"rpcscope/tui/lab"
)

// serviceFlags are the flags for calls to another service than fib.
type serviceFlags struct {
	body, contentType, expect string
	headers                   []string
}

// maxExpect is the maximum length of a regular expression. Recordings contain it.
const maxExpect = 1024

func (f *serviceFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.body, "body", "", "call a service of your own with this body instead of fib; {k} is the\n"+
		"call's number, {n} a random number from --fib's range, {n:1-100} from\nthis range, {uuid} a random UUID, {{ a brace; '' is an empty body")
	flags.StringVar(&f.contentType, "content-type", "text/plain", "content type of --body")
	flags.StringArrayVar(&f.headers, "header", nil, "NAME=VALUE, a header of the requests with --body; repeatable")
	flags.StringVar(&f.expect, "expect", "", "regular expression (Go's) that right answers to --body match; it may\nmatch a part: (?s)\\A...\\z matches the whole answer")
}

// service returns the service that the flags describe, or nil for fib. Its errors are usage errors.
func (f *serviceFlags) service(flags *pflag.FlagSet, n *lab.Fib) (*lab.Service, error) {
	given := flags.Changed
	if !given("body") {
		for _, other := range []string{"content-type", "header", "expect"} {
			if given(other) {
				return nil, fmt.Errorf("--%s needs --body", other)
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
		return nil, fmt.Errorf("--fib is the range of {n}, and --body has no {n}")
	}
	if len(s.ContentType) > 255 {
		return nil, fmt.Errorf("--content-type is longer than 255 bytes")
	}
	if s.Headers, err = lab.ParseHeaders(f.headers); err != nil {
		return nil, fmt.Errorf("--header %w", err)
	}
	if given("expect") {
		if len(f.expect) > maxExpect {
			return nil, fmt.Errorf("--expect is longer than %d bytes", maxExpect)
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
