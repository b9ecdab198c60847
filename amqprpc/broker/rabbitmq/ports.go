package rabbitmq

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports come from below the ranges from which systems take the local ports of
// outgoing connections (32768 up on Linux, 49152 up elsewhere). Inside of them a port
// could be taken while its node is down for a restart, and a client that
// redials it could even connect to itself.
const (
	lowestPort  = 20000
	highestPort = 32767
)

// errPortTaken: a port that was free when it was chosen no longer is.
var errPortTaken = errors.New("a port is taken")

// portAttempts bounds how often new ports are tried.
const portAttempts = 5

// ports of one node.
type ports struct{ amqp, tls, dist int }

func choosePorts() (ports, error) {
	p, err := freePorts(3)
	if err != nil {
		return ports{}, err
	}
	return ports{amqp: p[0], tls: p[1], dist: p[2]}, nil
}

// freePorts returns n different ports on which nobody listens on 127.0.0.1.
// Somebody may before they are used: hence errPortTaken.
func freePorts(n int) ([]int, error) {
	var found []int
	for range 100 * n {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // all are held until the last is found, so they differ
		if found = append(found, port); len(found) == n {
			return found, nil
		}
	}
	return nil, fmt.Errorf("no free port on 127.0.0.1 between %d and %d", lowestPort, highestPort)
}
