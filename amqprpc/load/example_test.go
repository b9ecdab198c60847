package load_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
)

// A closed loop of 8 workers makes 1000 calls and checks the answers. A program uses the method Call of its
// *amqprpc.Client as the Caller.
func Example() {
	double := func(_ context.Context, req amqprpc.Request) (amqprpc.Reply, error) {
		n, err := strconv.Atoi(string(req.Body))
		if err != nil {
			return amqprpc.Reply{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "%v", err)
		}
		return amqprpc.Reply{Message: amqprpc.Message{Body: strconv.AppendInt(nil, int64(2*n), 10)}}, nil
	}

	l, err := load.New(double, load.Plan{
		Concurrency: 8,
		Count:       1000,
		Seed:        42,
		Source: func(_ int64, rng *rand.Rand) amqprpc.Request {
			return amqprpc.Request{Body: strconv.AppendInt(nil, rng.Int64N(100), 10)}
		},
		Check: func(req amqprpc.Request, reply amqprpc.Reply) error {
			n, _ := strconv.Atoi(string(req.Body))
			if got, _ := strconv.Atoi(string(reply.Body)); got != 2*n {
				return errors.New("wrong")
			}
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := l.Run(context.Background())
	fmt.Println(res.Completed, "completed,", res.Failed, "failed,", res.Wrong, "wrong,", err)
	// Output: 1000 completed, 0 failed, 0 wrong, <nil>
}
