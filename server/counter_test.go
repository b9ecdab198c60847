package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rpcscope/amqprpc"
)

// A request that is executed twice adds twice, even on two servers. With Once it adds once, and
// gets the same answer.
func TestCounter(t *testing.T) {
	for _, c := range []struct {
		once bool
		want string
	}{
		{false, "1 2 3 4"},
		{true, "1 1 2 1"},
	} {
		file := filepath.Join(t.TempDir(), "counter")
		first := service(t, Config{Counter: &Counter{File: file, Once: c.once}})
		second := service(t, Config{Counter: &Counter{File: file, Once: c.once}})
		var got []string
		for _, step := range []struct {
			by *Service
			id string
		}{{first, "a"}, {second, "a"}, {second, "b\n\x1b[2J\""}, {first, "a"}} {
			response, err := step.by.Handle(t.Context(), &amqprpc.Request{CorrelationID: step.id, Body: []byte("1")})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(response.Body))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("once %t: %q, not %q", c.once, got, c.want)
		}
	}
}

// A file that is not a counter's stays unchanged.
func TestCounterRefusesOtherFiles(t *testing.T) {
	for _, text := range []string{"precious\n", "1 \"a\"\nprecious\n", "1\n", strings.Repeat("x", 1<<17)} {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&Counter{File: file}).Check(); err == nil {
			t.Errorf("%.20q: Check returns no error", text)
		}
		s := service(t, Config{Counter: &Counter{File: file}})
		if response, err := s.Handle(t.Context(), request("1")); err == nil {
			t.Errorf("%.20q: added, and answered %q", text, response.Body)
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != text {
			t.Errorf("%.20q has become %.20q, %v", text, now, err)
		}
	}
}

// Bad requests add nothing. OnRequest gets "add", not "fib".
func TestCounterBadRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "counter")
	var calls []string
	s := service(t, Config{Counter: &Counter{File: file}, OnRequest: func(c Call) { calls = append(calls, c.String()) }})
	for _, body := range []string{"abc", "-1", "2"} {
		s.Handle(t.Context(), request(body)) //nolint:errcheck // the file has the result
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != "2 \"\"\n" {
		t.Errorf("%q, %v", now, err)
	}
	if got := strings.Join(calls, " "); got != `add("abc") add("-1") add(2)` {
		t.Error(got)
	}
}
