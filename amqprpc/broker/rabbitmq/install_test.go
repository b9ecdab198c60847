//go:build unix

package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNotInstalled(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T){
		"RABBITMQ_HOME": func(t *testing.T) { t.Setenv("RABBITMQ_HOME", t.TempDir()) },
		"PATH": func(t *testing.T) {
			t.Setenv("RABBITMQ_HOME", "")
			t.Setenv("PATH", t.TempDir())
			saved := wellKnown
			t.Cleanup(func() { wellKnown = saved })
			wellKnown = []string{t.TempDir()}
		},
		"no Erlang": func(t *testing.T) { t.Setenv("PATH", t.TempDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			prepare(t)
			_, err := Start(t.Context(), Config{})
			if !errors.Is(err, ErrNotInstalled) || !strings.Contains(fmt.Sprint(err), "apt-get install -y rabbitmq-server") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	inst, err := locate()
	must(t, err)
	t.Setenv("RABBITMQ_HOME", inst.home)
	same, err := locate()
	must(t, err)
	if *same != *inst {
		t.Errorf("%+v and %+v", same, inst)
	}
	needed := inst.needed([]string{"rabbitmq_management"})
	if has := func(name string) bool {
		return slices.ContainsFunc(needed, func(p string) bool { return strings.HasPrefix(filepath.Base(p), name+"-") })
	}; !has("rabbit") || !has("rabbit_common") || !has("rabbitmq_management_agent") || !has("cowboy") || has("rabbitmq_stomp") {
		t.Errorf("needed: %v", needed)
	}
}

// A boot that fails returns the reason and leaves no processes or files.
func TestBootFails(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	t.Setenv("TMPDIR", t.TempDir())
	if _, err := Start(ctx, Config{Conf: "no.such.setting = 1"}); err == nil || !strings.Contains(err.Error(), "no.such.setting") {
		t.Errorf("%v", err)
	}
	if _, err := Start(ctx, Config{BootTimeout: 200 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "not ready after 200ms") {
		t.Errorf("%v", err)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := Start(short, Config{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
	for _, pid := range using(os.TempDir()) {
		gone(t, pid)
	}
}

// The error of a boot on a port in use wraps errPortTaken.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	n := Own(t, Config{})
	must(t, n.Stop(ctx))
	for name, port := range map[string]int{"AMQP": n.ports.amqp, "distribution": n.ports.dist} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		must(t, err)
		if err := n.Start(ctx); !errors.Is(err, errPortTaken) {
			t.Errorf("%s port taken: %v", name, err)
		}
		must(t, l.Close())
	}
}

// Config.Conf overrides the defaults, and plugins work with all their dependencies.
func TestConfAndPlugins(t *testing.T) {
	t.Parallel()
	ctx := within(t, 3*time.Minute)
	n := Own(t, Config{Conf: "disk_free_limit.absolute = 2MB", Plugins: []string{"rabbitmq_event_exchange", "rabbitmq_shovel"}})
	for expr, want := range map[string]string{
		"{ok, X} = application:get_env(rabbit, disk_free_limit), X.": `"2MB"`,
		"lists:sort(rabbit_plugins:active()).":                       "rabbitmq_event_exchange,rabbitmq_shovel",
	} {
		out, err := n.Ctl(ctx, "eval", expr)
		must(t, err)
		if !strings.Contains(strings.Join(strings.Fields(out), ""), want) {
			t.Errorf("%s: %s, want %s", expr, out, want)
		}
	}
}
