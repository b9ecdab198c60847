package amqprpc

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"

	amqp "github.com/rabbitmq/amqp091-go"
)

func refusal(code int, reason string) error {
	return &amqp.Error{Code: code, Reason: reason, Server: true}
}

// The errors of all versions of RabbitMQ about permissions are recognized. Other errors stay as they are.
func TestWithPermission(t *testing.T) {
	const (
		old  = "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'ann'"
		now  = "ACCESS_REFUSED - write access to queue 'q' in vhost '/' refused for user 'ann'"
		exch = "ACCESS_REFUSED - access to exchange 'amq.default' in vhost 'a b' refused for user 'ann'"
	)
	for _, c := range []struct {
		err  error
		want PermissionError
		says string
	}{
		{refusal(403, old), PermissionError{Permission: "read", Kind: "queue", Name: "q", VHost: "/", User: "ann"},
			`user "ann" lacks the read permission on queue "q" in virtual host "/": rabbitmqctl set_permissions -p / ann CONFIGURE WRITE READ, with a READ that matches "q"`},
		{refusal(403, now), PermissionError{Permission: "write", Kind: "queue", Name: "q", VHost: "/", User: "ann"}, `with a WRITE that matches "q"`},
		{refusal(403, exch), PermissionError{Permission: "write", Kind: "exchange", Name: "amq.default", VHost: "a b", User: "ann"}, `set_permissions -p VHOST ann CONFIGURE`},
		{refusal(403, "ACCESS_REFUSED - configure access to queue 'amq.gen-x' in vhost '/' refused for user 'ann'"),
			PermissionError{Permission: "configure", Kind: "queue", Name: "amq.gen-x", VHost: "/", User: "ann"}, `with a CONFIGURE that matches "amq.gen-.*"`},
		{refusal(403, "ACCESS_REFUSED - access to queue '\x1b[2J\n' in vhost '/' refused for user '-x; reboot'"),
			PermissionError{Permission: "read", Kind: "queue", Name: "\x1b[2J\n", VHost: "/", User: "-x; reboot"}, `set_permissions -p / USER CONFIGURE`},
		{refusal(530, "NOT_ALLOWED - access to vhost 'other' refused for user 'ann'"), PermissionError{VHost: "other", User: "ann"},
			`user "ann" has no permissions in virtual host "other": rabbitmqctl set_permissions -p other ann CONFIGURE WRITE READ`},
	} {
		var got *PermissionError
		if err := withPermission(c.err, "read"); !errors.As(err, &got) || !errors.Is(err, c.err) {
			t.Errorf("%v: %v", c.err, err)
			continue
		}
		if again := withPermission(got, "configure"); again != error(got) {
			t.Errorf("%v: a second look makes %v of it", c.err, again)
		}
		c.want.Err = c.err
		if *got != c.want || !strings.Contains(got.Error(), c.says) || strings.ContainsFunc(got.Error(), unicode.IsControl) {
			t.Errorf("%v:\n%+v\n%v\nwant %s", c.err, *got, got, c.says)
		}
	}
	for _, err := range []error{
		nil, io.EOF, context.Canceled, refusal(404, old), refusal(403, ""), refusal(403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use"),
		refusal(403, "ACCESS_REFUSED - queue name 'amq.x' contains reserved prefix 'amq.*'"), refusal(530, "NOT_ALLOWED - vhost x not found"),
		refusal(530, "NOT_ALLOWED - access to vhost '/' refused for user 'ann': connection limit (1) is reached"),
	} {
		if got := withPermission(err, "read"); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// The error for any reason of a broker is one printable line, with names from the reason, and the command in it is
// made of words that a shell takes literally.
func FuzzPermission(f *testing.F) {
	f.Add("ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'ann'", true)
	f.Add("ACCESS_REFUSED - write access to exchange '\x1b]0;\a' in vhost '$(x)' refused for user '`x`'", true)
	f.Add("NOT_ALLOWED - access to vhost '' refused for user '-\u202e'", false)
	f.Add("ACCESS_REFUSED - access to queue '' in vhost '' refused for user '' in vhost '' refused for user ''", true)
	f.Fuzz(func(t *testing.T, reason string, access bool) {
		code := amqp.NotAllowed
		if access {
			code = amqp.AccessRefused
		}
		err := withPermission(refusal(code, reason), "configure")
		var denied *PermissionError
		if !errors.As(err, &denied) {
			return
		}
		if len(denied.Name)+len(denied.VHost)+len(denied.User) > len(reason) {
			t.Errorf("%+v of %q", denied, reason)
		}
		text := denied.Error()
		for _, r := range text {
			if !unicode.IsPrint(r) {
				t.Fatalf("%U in %q", r, text)
			}
		}
		_, command, _ := strings.Cut(text, `: rabbitmqctl `)
		if strings.Contains(command, "rabbitmqctl") {
			return // a name that looks like it
		}
		command, _, _ = strings.Cut(command, ", with a ")
		if strings.Trim(command, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/@. ") != "" {
			t.Errorf("the command %q", command)
		}
	})
}
