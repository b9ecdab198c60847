package amqprpc_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"strconv"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// url is of the broker that the examples run on. Yours would be "amqp://...".
func url() string {
	node, err := brokertest.ForExamples()
	if err != nil {
		log.Fatal(err)
	}
	return node.URL()
}

// queueFor makes the name of a queue that nobody else uses, and a function that deletes it. Yours would be a word that your
// servers and clients agree upon.
func queueFor(what string) (queue string, remove func()) {
	queue = what + "-" + rand.Text()
	return queue, func() { brokertest.Forget(log.Printf, queue) }
}

// runSquares starts a server that squares numbers and returns its queue, and a function that stops it.
func runSquares() (queue string, stop func()) {
	queue, remove := queueFor("squares")
	serving := make(chan struct{})
	server := &amqprpc.Server{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url()}, Name: "squares-1"},
		Queue:      queue,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventConnected && e.Epoch == 1 {
				close(serving)
			}
		}),
		Handler: func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			n, err := strconv.Atoi(string(req.Body))
			if err != nil {
				return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "%.20q is no number", req.Body)
			}
			return amqprpc.Response{Body: []byte(strconv.Itoa(n * n))}, nil
		},
	}
	go func() {
		if err := server.Serve(context.Background()); err != nil {
			log.Fatal(err)
		}
	}()
	<-serving
	return queue, func() {
		server.Shutdown(context.Background()) //nolint:errcheck // an example
		remove()
	}
}

func ExampleClient_Call() {
	queue, stop := runSquares()
	defer stop()

	client, err := amqprpc.Dial(context.Background(), amqprpc.Config{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url()}},
		Queue:      queue,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	reply, err := client.Call(ctx, amqprpc.Request{Body: []byte("12")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, says %s\n", reply.Body, reply.Server)
	// Output: 144, says squares-1
}

func ExampleServer() {
	queue, remove := queueFor("greetings")
	defer remove()
	serving := make(chan struct{})
	server := &amqprpc.Server{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url()}},
		Queue:      queue,
		Prefetch:   16, // quick work; 1, the default, is for slow work
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventConnected && e.Epoch == 1 {
				close(serving)
			}
		}),
		Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
			if len(req.Body) == 0 {
				return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "whom shall I greet?")
			}
			return amqprpc.Response{Body: fmt.Appendf(nil, "hello, %s", req.Body), ContentType: "text/plain"}, nil
		},
	}
	served := make(chan error)
	go func() { served <- server.Serve(context.Background()) }()

	<-serving
	client, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url()}}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	reply, err := client.Call(context.Background(), amqprpc.Request{Queue: queue, Body: []byte("world")})
	fmt.Printf("%s %v\n", reply.Body, err)

	// On SIGTERM: let the running handlers finish, for ten seconds at most.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(server.Shutdown(ctx), <-served)
	// Output:
	// hello, world <nil>
	// <nil> <nil>
}

// Many calls at once need no goroutine each.
func ExampleClient_Go() {
	queue, stop := runSquares()
	defer stop()
	client, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url()}}, Queue: queue})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var calls []*amqprpc.Call
	for n := range 5 {
		calls = append(calls, client.Go(context.Background(), amqprpc.Request{Body: []byte(strconv.Itoa(n)), Timeout: 5 * time.Second}))
	}
	for _, call := range calls {
		reply, err := call.Result()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(string(reply.Body), " ")
	}
	// Output: 0 1 4 9 16
}

// Why did it fail, and is it safe to send the request again?
func ExampleCallError() {
	queue, stop := runSquares()
	defer stop()
	client, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url()}}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for _, req := range []amqprpc.Request{
		{Queue: queue, Body: []byte("abc")},
		{Queue: "no-such-queue", Body: []byte("7")},
	} {
		_, err := client.Call(context.Background(), req)
		var remote *amqprpc.RemoteError
		switch {
		case err == nil:
			fmt.Println("done")
		case errors.As(err, &remote):
			fmt.Println("the server refused:", remote.Code, remote.Message)
		case errors.Is(err, amqprpc.ErrNotExecuted):
			fmt.Println("not executed, safe to repeat:", errors.Is(err, amqprpc.ErrUnroutable))
		case errors.Is(err, context.DeadlineExceeded):
			fmt.Println("no answer in time; it may have been executed")
		default:
			fmt.Println("it may have been executed:", err)
		}
	}
	// Output:
	// the server refused: INVALID_ARGUMENT "abc" is no number
	// not executed, safe to repeat: true
}

// An observer sees the whole story of each call. It is called with a lock held: it counts, or copies into a channel
// that has room, and is gone.
func ExampleObserver() {
	queue, stop := runSquares()
	defer stop()
	var sent, completed, failed atomic.Int64
	client, err := amqprpc.Dial(context.Background(), amqprpc.Config{
		ConnConfig: amqprpc.ConnConfig{URLs: []string{url()}},
		Queue:      queue,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			switch {
			case e.Kind == amqprpc.EventSent:
				sent.Add(1)
			case e.Kind == amqprpc.EventReply && e.Outcome == amqprpc.Completed && e.Class == amqprpc.Answer:
				completed.Add(1)
			case e.Kind == amqprpc.EventReply && e.Class == amqprpc.Answer, e.Kind == amqprpc.EventFailed:
				failed.Add(1)
			}
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, body := range []string{"1", "2", "x"} {
		client.Call(context.Background(), amqprpc.Request{Body: []byte(body)}) //nolint:errcheck // the observer counts
	}
	client.Close()
	fmt.Println(sent.Load(), "=", completed.Load(), "completed +", failed.Load(), "failed")
	// Output: 3 = 2 completed + 1 failed
}
