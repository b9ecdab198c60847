package amqprpc_test

import (
	"context"
	"strings"
	"testing"
	"unicode"

	"rpcscope/amqprpc"
)

// A name that no queue can have, or should, is refused everywhere before anything is sent, in one line that is fit
// for a terminal.
func TestQueueNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                       "is empty",
		strings.Repeat("x", 256): "is longer than 255 bytes",
		"a\r\nb":                 `"a\r\nb" has control characters`,
		"a\tb":                   `"a\tb" has control characters`,
		"\x00":                   `"\x00" has control characters`,
		"\x1b]0;owned\a":         `"\x1b]0;owned\a" has control characters`,
		"\u0085":                 `"\u0085" has control characters`,
		"a\xff":                  `"a\xff" is not valid UTF-8`,
		"rpc_queue":              "",
		"a b;c":                  "",
		"Gästebuch 한국어":          "",
		strings.Repeat("x", 255): "",
	} {
		err := amqprpc.CheckQueueName(name)
		if (err != nil) != (want != "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
		if err == nil {
			continue
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q: not fit for a terminal: %q", name, err)
		}
		nowhere := amqprpc.ConnConfig{URLs: []string{"amqp://127.0.0.1:1/"}}
		err = (&amqprpc.Server{ConnConfig: nowhere, Queue: name, Handler: echo}).Serve(context.Background())
		wantIs(t, err, amqprpc.ErrInvalidConfig)
		if name == "" { // each request names its own, then
			continue
		}
		_, err = amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: nowhere, Queue: name})
		wantIs(t, err, amqprpc.ErrInvalidConfig)
	}
}
