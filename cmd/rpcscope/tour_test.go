package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// --check prints a line for each scenario, with its numbers.
func TestTourCheck(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "tour", "--check", "--only", "4,10")
	lines := regexp.MustCompile(`^ 4 ok     a server dies between reply and ack: 1 duplicate, redelivered to fib-2, answered before by fib-1, 0 lost of 2 \(\d+\.\d s\)
10 ok     the server panics: 3 of 3 answered with INTERNAL, fib-1 lives \(\d+\.\d s\)
$`)
	if o.code != cli.OK || o.stderr != "" || !lines.MatchString(o.stdout) {
		t.Errorf("%+v", o)
	}
}

// The keys of --check --json are an API.
func TestTourCheckJSON(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "tour", "--check", "--only=5,8", "--json")
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if o.code != cli.OK || o.stderr != "" || len(lines) != 2 {
		t.Fatalf("%+v", o)
	}
	for i, number := range []int{5, 8} {
		var line tourLine
		d := json.NewDecoder(strings.NewReader(lines[i]))
		d.DisallowUnknownFields()
		if err := d.Decode(&line); err != nil || line.Scenario != number || !line.OK || len(line.Facts) < 3 || line.Error != "" || line.Elapsed <= 0 {
			t.Errorf("%s: %v", lines[i], err)
		}
		for _, key := range []string{`"scenario":`, `"title":`, `"ok":true`, `"facts":[{"want":`, `"got":`, `"error":""`, `"elapsed_s":`} {
			if !strings.Contains(lines[i], key) {
				t.Errorf("no %s in %s", key, lines[i])
			}
		}
	}
}

// If a claim fails, the other scenarios still run, and the exit code is 1.
func TestTourCheckFails(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	o := rpcscope(t, node.URL(), "tour", "--check", "--only", "8,10", "--server-flag=--fault=error")
	lines := strings.Split(o.stdout, "\n")
	if o.code != cli.FellShort || o.stderr != "" || len(lines) != 3 ||
		!strings.HasPrefix(lines[0], " 8 FAILED ") || !strings.Contains(lines[0], "expected abc INVALID_ARGUMENT, -5 INVALID_ARGUMENT,") ||
		!strings.Contains(lines[0], "got abc INTERNAL") || !strings.HasPrefix(lines[1], "10 ok ") {
		t.Errorf("%+v", o)
	}
	o = rpcscope(t, node.URL(), "tour", "--check", "--only", "10", "--server-flag=--url=amqp://127.0.0.1:1/", "--json")
	if o.code != cli.FellShort || !strings.Contains(o.stdout, "connection refused") || !strings.Contains(o.stdout, `"ok":false,"facts":[],"error":"start a server`) {
		t.Errorf("%+v", o)
	}
}

// --check needs the broker of --url or AMQP_URL, and uses the in-process one if none is given.
func TestTourBroker(t *testing.T) {
	t.Parallel()
	const nobody = "amqp://user:secret@127.0.0.1:1/"
	o := rpcscope(t, nobody, "tour", "--check", "--only", "5")
	o.want(t, cli.NoBroker, "", "cannot connect to 127.0.0.1:1", "rpcscope demo")
	rpcscope(t, "", "tour", "--check", "--url", nobody).want(t, cli.NoBroker, "", "cannot connect to 127.0.0.1:1")
	o = rpcscope(t, nobody, "tour", "--check", "--only", "5", "--in-process")
	if o.code != cli.OK || o.stderr != "" || !strings.HasPrefix(o.stdout, " 5 ok ") {
		t.Errorf("%+v", o)
	}
	// Without a URL there may be a broker on localhost or not.
	o = rpcscope(t, "", "tour", "--check", "--only", "5")
	if o.code != cli.OK || !strings.HasPrefix(o.stdout, " 5 ok ") || o.stderr != "" && !strings.HasPrefix(o.stderr, "rpcscope: on an in-process broker: cannot connect to localhost:5672") {
		t.Errorf("%+v", o)
	}
}

func TestTourUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--check --only 0": `0 is not the number of a scenario, from 1 to 13`, "--check --only 4,x": `"4,x"`, "--check --only 4,4": "listed twice",
		"--check --only=": "--only", "--json": "--check", "--check --in-process --url amqp://h/": "two brokers", "--check --server-flag=--name=x": "--name",
		"--check now": "now", "--check --url nonsense://h/": "an AMQP URL begins with", "--url nonsense://h/ --check --tls-ca /nowhere": "",
		"--check --pace 1": "--pace", "--pace 4": "--pace 4", "--pace=-1": "--pace", "--pace NaN": "--pace", "--pace x": "--pace",
		"": "`rpcscope tour --check`",
	} {
		rpcscope(t, "amqp://127.0.0.1:1/", append([]string{"tour"}, strings.Fields(args)...)...).want(t, cli.Usage, "", want)
	}
}
