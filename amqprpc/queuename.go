package amqprpc

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckQueueName returns an error if a name is not fit for a queue. AMQP has names of 1 to 255 bytes in UTF-8.
// Control characters are refused as well: RabbitMQ removes line breaks from the name that is declared, but not from
// the one that is published to. The error is one line, and quotes the name.
func CheckQueueName(name string) error {
	switch {
	case name == "":
		return errors.New("the queue's name is empty")
	case len(name) > maxShortString:
		return fmt.Errorf("the queue's name is longer than %d bytes", maxShortString)
	case !utf8.ValidString(name):
		return fmt.Errorf("the queue's name %+q is not valid UTF-8", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the queue's name %+q has control characters", name)
	}
	return nil
}
