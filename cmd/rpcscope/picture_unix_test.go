//go:build linux || darwin

package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/rpcscope/internal/screen"
)

var picture = flag.String("picture", "", "a file to write the README's picture to")

// TestPicture makes the picture of the README from a real run:
//
//	go test ./cmd/rpcscope -run TestPicture -picture $PWD/.github/screen.svg
func TestPicture(t *testing.T) {
	brokertest.SkipIfShort(t)
	t.Parallel()
	node := brokertest.Own(t)
	term := shell(t, node.URL(), screen.Size{Cols: 120, Rows: 34})
	term.Type("rpcscope --fib 18-25 -c 16 --timeout 1s --servers 2 "+slowServer, "enter")
	term.WaitFor("2 running")
	shown(term, `completed ([\d,]+)`)

	// A server dies before its ack, another one is too slow, and a reply is sent by hand.
	term.Type("x", "down", "enter")
	term.WaitFor("gets --fault=crash-before-ack")
	term.Type("s")
	term.WaitFor("crashed: signal: killed")
	term.Type("x", "end", "up", "up", "enter")
	term.WaitFor("gets --fault=slow")
	term.Type("s")
	term.WaitFor("fib-4 started")
	term.Type("u")
	term.Wait("late replies", func(s string) bool { return strings.Contains(s, "the call had timed out") })
	term.Type("d")
	term.WaitFor("came in: a duplicate")
	shown(term, `completed (\d+,\d+)`)
	term.WaitFor("▸ Duplicate")                 // the new reply is selected
	term.WaitFor("a duplicate, since the call") // the lines below are painted last

	svg := term.SVG()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{">Duplicate ", ">Orphaned ", "crashed"} {
		if !strings.Contains(svg, text) {
			t.Errorf("no %q in the picture", text)
		}
	}
	if *picture != "" {
		if err := os.WriteFile(*picture, []byte(svg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	term.Type("q")
	term.WaitAlone()
}
