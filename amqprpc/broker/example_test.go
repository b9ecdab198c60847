package broker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
)

// A test of a service starts a broker, the service and a client. It would use t.Context, t.Cleanup and t.Fatal.
func Example() {
	b, err := broker.Start(broker.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	on := amqprpc.ConnConfig{URLs: []string{b.URL()}}

	serving := make(chan struct{})
	served := make(chan error, 1)
	service := &amqprpc.Server{
		ConnConfig: on, Queue: "orders", Handler: confirm,
		Observer: amqprpc.ObserverFunc(func(e amqprpc.Event) {
			if e.Kind == amqprpc.EventConnected && e.Epoch == 1 {
				close(serving)
			}
		}),
	}
	go func() { served <- service.Serve(context.Background()) }()
	defer service.Shutdown(context.Background()) //nolint:errcheck // the broker ends too
	select {
	case <-serving: // the queue exists
	case err := <-served:
		log.Fatal(err)
	}

	client, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: on, Queue: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, body := range []string{`{"id": 7, "amount": 12}`, `{"id": 8, "amount": 0}`} {
		reply, err := client.Call(context.Background(), amqprpc.Request{Body: []byte(body), ContentType: "application/json"})
		if refused := (*amqprpc.RemoteError)(nil); errors.As(err, &refused) {
			fmt.Println(refused) // err names the call and the queue, too
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", reply.Body)
	}
	// Output:
	// {"id":7,"status":"ok"}
	// FAILED_PRECONDITION: order 8 is for nothing
}

// confirm is the service: JSON in, JSON out.
func confirm(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
	var order struct{ ID, Amount int }
	if err := json.Unmarshal(req.Body, &order); err != nil {
		return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "no order: %v", err)
	}
	if order.Amount == 0 {
		return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeFailedPrecondition, "order %d is for nothing", order.ID)
	}
	body, err := json.Marshal(map[string]any{"id": order.ID, "status": "ok"})
	return amqprpc.Response{Body: body, ContentType: "application/json"}, err
}
