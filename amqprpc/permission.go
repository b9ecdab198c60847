package amqprpc

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A PermissionError says what a RabbitMQ user may not do: RabbitMQ gives each user three
// permissions in a virtual host, to configure, write to and read from what a regular
// expression matches. A client needs configure and read on amq.gen-.* (its callback queue),
// a server read on its queue and, where it declares it, configure; both need write on
// amq.default.
type PermissionError struct {
	// Permission is "configure", "write" or "read"; "" where the user has none at all in the
	// virtual host.
	Permission string
	Kind       string // "queue" or "exchange"; "" as Permission is
	Name       string // of the queue or exchange; "" as Permission is
	VHost      string
	User       string
	Err        error // the broker's, an *amqp.Error
}

// Error names the user, what is missing and what gives it, in one line and without control
// characters.
func (e *PermissionError) Error() string {
	give := fmt.Sprintf("rabbitmqctl set_permissions -p %s %s CONFIGURE WRITE READ", word(e.VHost, "VHOST"), word(e.User, "USER"))
	if e.Permission == "" {
		return fmt.Sprintf("user %q has no permissions in virtual host %q: %s", e.User, e.VHost, give)
	}
	name := fmt.Sprintf("%q", e.Name)
	if strings.HasPrefix(e.Name, "amq.gen-") {
		name = `"amq.gen-.*"` // each callback queue is another one
	}
	return fmt.Sprintf("user %q lacks the %s permission on %s %q in virtual host %q: %s, with a %s that matches %s",
		e.User, e.Permission, e.Kind, e.Name, e.VHost, give, strings.ToUpper(e.Permission), name)
}

// Unwrap returns Err.
func (e *PermissionError) Unwrap() error { return e.Err }

// What RabbitMQ says. Its versions before 3.12 do not name the permission.
var (
	accessRefused = regexp.MustCompile(`(?s)^ACCESS_REFUSED - (?:(configure|write|read) )?access to (queue|exchange) '(.*)' in vhost '(.*)' refused for user '(.*)'$`)
	vhostRefused  = regexp.MustCompile(`(?s)^NOT_ALLOWED - access to vhost '(.*)' refused for user '(.*)'$`)
)

// withPermission makes a [PermissionError] of what a broker refused for want of a permission,
// and returns other errors as they are. needed is the permission that what was tried needs on
// a queue, "configure", "write" or "read"; on an exchange one does nothing but publish.
func withPermission(err error, needed string) error {
	var known *PermissionError
	var refused *amqp.Error
	if errors.As(err, &known) || !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case amqp.AccessRefused:
		m := accessRefused.FindStringSubmatch(refused.Reason)
		if m == nil {
			return err // a reserved name, or somebody's exclusive queue
		}
		if m[2] == "exchange" {
			needed = "write"
		}
		if m[1] != "" {
			needed = m[1]
		}
		return &PermissionError{Permission: needed, Kind: m[2], Name: m[3], VHost: m[4], User: m[5], Err: err}
	case amqp.NotAllowed:
		if m := vhostRefused.FindStringSubmatch(refused.Reason); m != nil {
			return &PermissionError{VHost: m[1], User: m[2], Err: err}
		}
	}
	return err
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_/@.][-A-Za-z0-9_/@.]*$`)

// word returns a name that means itself in a shell, and the placeholder for any other: people
// paste commands.
func word(name, placeholder string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return placeholder
}
