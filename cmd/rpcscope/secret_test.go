package main

import (
	"net"
	"strings"
	"testing"
	"time"

	"rpcscope/cmd/internal/cli"
)

// Every program refuses a list of URLs without spaces before it connects, and shows no password of it.
func TestListsOfURLs(t *testing.T) {
	t.Parallel()
	broker, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	first := "amqp://guest:" + secret + "@" + broker.Addr().String() + "/"
	for _, second := range []string{",amqp://bob:" + secret + "@h2:5672/", ";amqp://bob:" + secret + "@h2:5672/", ",bob:" + secret + "@h2:5672/", ",", "," + first} {
		url := first + second
		outcomes := map[string]outcome{"fibserver": runFibserver(t, url)}
		for _, args := range []string{"call 1", "load -n 1", "scale", "tour --check"} {
			outcomes["rpcscope "+args] = rpcscope(t, url, strings.Fields(args)...)
		}
		outcomes["rpcscope --url"] = rpcscope(t, "", "call", "--url", url, "1")
		for program, o := range outcomes {
			if o.code != cli.Usage || !strings.Contains(o.stderr, "separate several URLs with spaces") || strings.Contains(o.stdout+o.stderr, secret) {
				t.Errorf("%s, AMQP_URL %q: %+v", program, url, o)
			}
		}
	}
	broker.SetDeadline(time.Now()) //nolint:errcheck // Accept tells
	if conn, err := broker.Accept(); err == nil {
		conn.Close()
		t.Error("somebody connected")
	}
}

// A URL as the value of another flag is quoted without its password.
func TestMisplacedURLs(t *testing.T) {
	t.Parallel()
	url := "amqp://bob:" + secret + "@h2:5672/"
	long := "amqp://" + strings.Repeat("b", 30) + ":" + secret + "@h2:5672/"
	for _, at := range []string{url, long} {
		for _, args := range [][]string{
			{at}, {"-url=" + at}, {"--ulr=" + at}, {"load", at}, {"call", at}, {"call", "--", at}, {"call", "--timeout", at, "1"},
			{"load", "--fib", at}, {"load", "-c", at}, {"load", "--rate=" + at}, {"load", "--seed=" + at}, {"load", "--max-failed", at}, {"load", "--header", at}, {"load", "--content-type=x", at},
			{"load", "--servers", at}, {"scale", "--servers", at}, {"load", "--record", at}, {"load", "--tls-ca", at}, {"load", "--server-flag", at},
			{"tour", "--only", at}, {"tour", at}, {"replay", at}, {"replay", "--json", at}, {"broker", at}, {"broker", "--listen", at}, {"broker", "--log-format", at},
		} {
			if o := rpcscope(t, "amqp://127.0.0.1:1/", args...); o.code != cli.Usage && o.code != cli.NoBroker || strings.Contains(o.stdout+o.stderr, secret) {
				t.Errorf("rpcscope %q: %+v", args, o)
			}
		}
		for _, args := range [][]string{
			{at}, {"--queue-type", at}, {"--algorithm", at}, {"--fault", at}, {"--fault", "slow=" + at}, {"--log-format", at}, {"--delay", at}, {"--prefetch", at}, {"-url=" + at},
		} {
			if o := runFibserver(t, "amqp://127.0.0.1:1/", args...); o.code != cli.Usage || strings.Contains(o.stdout+o.stderr, secret) {
				t.Errorf("fibserver %q: %+v", args, o)
			}
		}
	}
}
