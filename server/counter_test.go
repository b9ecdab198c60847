package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rpcscope/amqprpc"
)

// A request that is executed twice, by whichever server, adds twice; with Once it does not,
// and its answer is the same again.
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

// What is not the file of a counter stays as it is, and the caller is not told where it is.
func TestCounterOfAnotherFile(t *testing.T) {
	for _, text := range []string{"precious\n", "1 \"a\"\nprecious\n", "1\n", strings.Repeat("x", 1<<17)} {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
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

// Bad requests add nothing, and what is told of requests does not call them fib.
func TestCounterOfBadRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "counter")
	var told []string
	s := service(t, Config{Counter: &Counter{File: file}, OnRequest: func(c Call) { told = append(told, c.String()) }})
	for _, body := range []string{"abc", "-1", "2"} {
		s.Handle(t.Context(), request(body)) //nolint:errcheck // it is in the file what became of it
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != "2 \"\"\n" {
		t.Errorf("%q, %v", now, err)
	}
	if got := strings.Join(told, " "); got != `add("abc") add("-1") add(2)` {
		t.Error(got)
	}
}
