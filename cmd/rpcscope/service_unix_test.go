//go:build linux || darwin

package main

import (
	"bytes"
	"fmt"
	"regexp"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/rpcscope/internal/screen"
)

// The screen with a foreign server whose replies are not text.
func TestScreenOfAForeignService(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	newForeign(t, node.URL(), queue, func(body []byte) []byte {
		if bytes.HasPrefix(body, []byte("other")) {
			return append([]byte("\x00\xff\x1b[2J"), body...)
		}
		return bytes.ToUpper(body)
	})
	term := shell(t, node.URL(), screen.Size{Cols: 120, Rows: 40})
	term.Type(fmt.Sprintf("rpcscope --queue %s --rate 50 --body 'ask {k}' --expect '^ASK'; echo code=$?", queue), "enter")
	term.WaitFor("body ask {k}")
	term.WaitFor("The load is paused, because it asks a service that is not rpcscope's")
	term.Type(" ")
	term.WaitFor("ASK ")
	term.Type("n", "ctrl+u")
	term.Type("{foo}", "enter")
	term.WaitFor("is none of {k}")
	term.Type("ctrl+u")
	term.Type("other {k}", "enter")
	term.WaitFor("body other {k}")
	term.WaitFor("0x00ff1b5b3")
	term.WaitFor("not what is expected")
	term.Type("q")
	term.WaitFor("code=0")
	term.WaitFor("body ask {k}") // the summary has the first body
	// The summary of a screen has no verdict.
	if !regexp.MustCompile(`(?m)^! [0-9,]+ wrong of [0-9,]+ calls`).MatchString(term.Screen()) {
		t.Errorf("it leaves\n%s", term.Screen())
	}
}
