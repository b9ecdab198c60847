package rabbitmq

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are below the ranges of local ports for outgoing connections (from 32768 on Linux, from 49152 on other systems). A port
// in such a range could be taken while its node is stopped, and a client that redials it could even connect to itself.
const (
	lowestPort  = 20000
	highestPort = 32767
)

// errPortTaken is wrapped by errors for a port that was free when it was chosen.
var errPortTaken = errors.New("a port is taken")

// portAttempts is the number of times that ports are chosen.
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

// freePorts returns n different free ports of 127.0.0.1.
func freePorts(n int) ([]int, error) {
	var found []int
	for range 100 * n {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // not before the last is found, so that they differ
		if found = append(found, port); len(found) == n {
			return found, nil
		}
	}
	return nil, fmt.Errorf("no free port on 127.0.0.1 between %d and %d", lowestPort, highestPort)
}
