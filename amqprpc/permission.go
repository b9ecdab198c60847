package amqprpc

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A PermissionError names the permission that a RabbitMQ user lacks. Each user has three in a virtual host:
// configure, write and read, on the queues and exchanges that a regular expression matches. A client needs
// configure and read on amq.gen-.* (its callback queue), a server read on its queue and, if it declares the queue,
// configure; both need write on amq.default.
type PermissionError struct {
	Permission string // "configure", "write" or "read"; "" if the user has none at all in the virtual host
	Kind       string // "queue" or "exchange"; "" as Permission is
	Name       string // of the queue or exchange; "" as Permission is
	VHost      string
	User       string
	Err        error // the broker's, an *amqp.Error
}

// Error names the user, the missing permission and the command that grants it, in one line and without control
// characters.
func (e *PermissionError) Error() string {
	give := fmt.Sprintf("rabbitmqctl set_permissions -p %s %s CONFIGURE WRITE READ", word(e.VHost, "VHOST"), word(e.User, "USER"))
	if e.Permission == "" {
		return fmt.Sprintf("user %q has no permissions in virtual host %q: %s", e.User, e.VHost, give)
	}
	name := fmt.Sprintf("%q", e.Name)
	if strings.HasPrefix(e.Name, "amq.gen-") {
		name = `"amq.gen-.*"` // the next callback queue has another name
	}
	return fmt.Sprintf("user %q lacks the %s permission on %s %q in virtual host %q: %s, with a %s that matches %s",
		e.User, e.Permission, e.Kind, e.Name, e.VHost, give, strings.ToUpper(e.Permission), name)
}

// Unwrap returns Err.
func (e *PermissionError) Unwrap() error { return e.Err }

// RabbitMQ's reasons. Its versions before 3.12 do not name the permission.
var (
	accessRefused = regexp.MustCompile(`(?s)^ACCESS_REFUSED - (?:(configure|write|read) )?access to (queue|exchange) '(.*)' in vhost '(.*)' refused for user '(.*)'$`)
	vhostRefused  = regexp.MustCompile(`(?s)^NOT_ALLOWED - access to vhost '(.*)' refused for user '(.*)'$`)
)

// withPermission makes a [PermissionError] of a broker's error about a missing permission, and returns other errors
// as they are. needed is the permission that the operation needs on a queue; the only one on an exchange is a
// publish.
func withPermission(err error, needed string) error {
	if errors.As(err, new(*PermissionError)) {
		return err
	}
	refused := amqpError(err)
	if refused.Code != amqp.AccessRefused && refused.Code != amqp.NotAllowed {
		return err
	}
	if m := vhostRefused.FindStringSubmatch(refused.Reason); m != nil {
		return &PermissionError{VHost: m[1], User: m[2], Err: err}
	}
	m := accessRefused.FindStringSubmatch(refused.Reason)
	if m == nil {
		return err // a reserved name or an exclusive queue are refused too
	}
	if m[2] == "exchange" {
		needed = "write"
	}
	return &PermissionError{Permission: cmp.Or(m[1], needed), Kind: m[2], Name: m[3], VHost: m[4], User: m[5], Err: err}
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_/@.][-A-Za-z0-9_/@.]*$`)

// word returns the name if a shell takes it literally, else the placeholder: people paste commands.
func word(name, placeholder string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return placeholder
}
