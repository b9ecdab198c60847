package report

import (
	"strings"

	"rpcscope/amqprpc"
)

// FailureReason says why calls with an outcome failed. interrupted says that the run ended before its time.
func FailureReason(o amqprpc.Outcome, interrupted bool) string {
	switch o {
	case amqprpc.Timeout:
		return "no reply before the deadline"
	case amqprpc.Canceled:
		if interrupted {
			return "given up when the run was interrupted"
		}
		return "given up by the caller"
	case amqprpc.Unroutable:
		return "returned by the broker: no queue took it"
	case amqprpc.Rejected:
		return "refused by the broker"
	case amqprpc.Expired:
		return "dropped from the request queue at its deadline"
	case amqprpc.Remote:
		return "answered with an error"
	case amqprpc.ConnectionLost:
		return "the connection went before a reply came"
	case amqprpc.Closed:
		return "the client was closed"
	}
	return ""
}

// ServerCommand returns the command that starts a server for a queue.
func ServerCommand(queue string) string {
	const standard = "rpc_queue"
	switch {
	case queue == "" || queue == standard:
		return "fibserver"
	case strings.Trim(queue, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/:") == "":
		return "fibserver --queue " + queue
	}
	return "fibserver --queue NAME" // a shell could read the name otherwise
}
