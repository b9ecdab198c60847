package broker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
)

// A storm is a broker with many clients that do random operations.
type storm struct {
	b    *broker.Broker
	next atomic.Int64 // the next message ID

	mu        sync.Mutex
	confirmed map[string]bool // IDs of confirmed messages in the safe queues
	fresh     map[string]int  // number of deliveries without redelivered, by ID
	settled   map[string]bool // IDs whose ack was sent
}

// safe queues are never deleted or purged, and their messages do not expire.
var safe = map[string]kind{"safe-durable": durable, "safe-quorum": quorum}

// While clients do random operations and the broker fails at random, its state stays consistent, and no message is lost or
// redelivered as if it were new.
func TestStorm(t *testing.T) {
	skipIfShort(t)
	b := start(t, broker.Config{MemoryLimit: 8 << 20})
	s := &storm{b: b, confirmed: map[string]bool{}, fresh: map[string]int{}, settled: map[string]bool{}}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ch := channel(t, dial(t, b))
	for name, k := range safe {
		declare(t, ch, name, k)
	}
	const clients, operations = 8, 400
	var running sync.WaitGroup
	for n := range uint64(clients) {
		running.Go(func() {
			r := rand.New(rand.NewPCG(seed, n))
			for done := 0; done < operations; {
				done += s.session(r, operations-done)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var injecting sync.WaitGroup
	injecting.Go(func() {
		r := rand.New(rand.NewPCG(seed, clients))
		for ctx.Err() == nil {
			s.injectFault(r)
			if err := b.Check(); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Millisecond) // let the clients make progress
		}
	})
	endedWithin(t, 10*patience, "the storm", running.Wait)
	cancel()
	injecting.Wait()

	ch = channel(t, dial(t, b))
	left := map[string]bool{}
	for name := range safe {
		for {
			d, ok, err := ch.Get(name, false)
			must(t, err)
			if !ok {
				break
			}
			if left[d.MessageId] {
				t.Errorf("message %s is there twice", d.MessageId)
			}
			left[d.MessageId] = true
			s.see(d)
			must(t, d.Ack(false))
		}
	}
	for id := range s.confirmed {
		if !s.settled[id] && !left[id] {
			t.Errorf("message %s is lost", id)
		}
	}
	for id, times := range s.fresh {
		if times > 1 {
			t.Errorf("message %s came %d times as if it were new", id, times)
		}
	}
	if len(s.confirmed) < 20 || len(s.settled) < 20 {
		t.Errorf("only %d messages were confirmed and %d acked: this tests little", len(s.confirmed), len(s.settled))
	}
	t.Logf("%d messages were confirmed, %d acked, %d left", len(s.confirmed), len(s.settled), len(left))
	for _, q := range b.Queues() {
		must(t, errorOf(ch.QueueDelete(q.Name, false, false, false)))
	}
	eventually(t, "memory", func() (any, bool) { n := b.Memory(); return n, n == 0 })
}

// session runs one connection of a client and returns the number of operations.
func (s *storm) session(r *rand.Rand, max int) (done int) {
	conn, err := amqp.Dial(s.b.URL())
	if err != nil {
		return 1
	}
	var consuming sync.WaitGroup
	defer consuming.Wait()
	defer conn.CloseDeadline(time.Now().Add(time.Second))
	ch, err := conn.Channel()
	for ; done < max && !conn.IsClosed(); done++ {
		if err != nil || ch.IsClosed() {
			if ch, err = conn.Channel(); err != nil {
				continue
			}
			if r.IntN(2) == 0 {
				err = ch.Confirm(false)
			}
			_ = ch.Qos(r.IntN(4), 0, false)
		}
		queue := "queue-" + strconv.Itoa(r.IntN(5))
		if r.IntN(2) == 0 {
			queue = []string{"safe-durable", "safe-quorum"}[r.IntN(2)]
		}
		_, isSafe := safe[queue]
		switch op := r.IntN(100); {
		case op < 50:
			for range 1 + r.IntN(4) {
				s.publish(r, ch, queue, isSafe)
			}
		case op < 60:
			tag := fmt.Sprint("consumer-", s.next.Add(1))
			deliveries, err := ch.Consume(queue, tag, false, r.IntN(10) == 0, false, false, nil)
			if err == nil {
				ch, seed := ch, r.Uint64()
				consuming.Go(func() { s.consume(rand.New(rand.NewPCG(seed, 0)), ch, tag, deliveries) })
			}
		case op < 70:
			if d, ok, err := ch.Get(queue, false); err == nil && ok {
				s.see(d)
				s.settle(r, d)
			}
		case op < 80 && !isSafe:
			k := kind{durable: r.IntN(2) == 0, autoDelete: r.IntN(4) == 0, exclusive: r.IntN(8) == 0}
			_, _ = ch.QueueDeclare(queue, k.durable, k.autoDelete, k.exclusive, false, nil)
		case op < 84 && !isSafe:
			_, _ = ch.QueueDelete(queue, r.IntN(4) == 0, r.IntN(4) == 0, false)
		case op < 88 && !isSafe:
			_, _ = ch.QueuePurge(queue, false)
		case op < 92:
			_ = ch.Close()
		case op < 94:
			_, _ = ch.QueueDeclarePassive("nowhere", false, false, false, false, nil)
		case op < 95:
			return done + 1
		}
	}
	return done + 1
}

func (s *storm) publish(r *rand.Rand, ch *amqp.Channel, queue string, isSafe bool) {
	p := amqp.Publishing{MessageId: strconv.FormatInt(s.next.Add(1), 10), Body: make([]byte, r.IntN(1000)), DeliveryMode: amqp.Persistent}
	if r.IntN(20) == 0 {
		p.Body = make([]byte, 300_000)
	}
	if !isSafe && r.IntN(3) == 0 {
		p.Expiration = strconv.Itoa(r.IntN(20))
	}
	confirm, err := ch.PublishWithDeferredConfirm("", queue, r.IntN(2) == 0, false, p)
	if err != nil || confirm == nil || !isSafe {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if ok, err := confirm.WaitContext(ctx); err == nil && ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.confirmed[p.MessageId] = true
	}
}

// consume handles some deliveries and then cancels.
func (s *storm) consume(r *rand.Rand, ch *amqp.Channel, tag string, deliveries <-chan amqp.Delivery) {
	left := r.IntN(50)
	for d := range deliveries {
		s.see(d)
		s.settle(r, d)
		if left--; left == 0 {
			go ch.Cancel(tag, false) // it may block until this loop receives
		}
	}
}

func (s *storm) see(d amqp.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !d.Redelivered {
		s.fresh[d.MessageId]++
	}
}

func (s *storm) settle(r *rand.Rand, d amqp.Delivery) {
	switch op := r.IntN(10); {
	case op < 5:
		s.mu.Lock()
		s.settled[d.MessageId] = true // even an ack that returns an error may arrive
		s.mu.Unlock()
		_ = d.Ack(false)
	case op < 7:
		_ = d.Nack(false, true)
	case op < 8:
		_ = d.Reject(true)
	case op < 9:
		_ = d.Nack(true, true)
	}
}

// injectFault makes the broker fail, sometimes.
func (s *storm) injectFault(r *rand.Rand) {
	switch r.IntN(80) {
	case 0:
		s.b.DropConnections()
	case 1:
		s.b.CloseConnections("storm")
	case 2:
		s.b.Freeze()
		time.Sleep(time.Millisecond)
		s.b.Thaw()
	case 3:
		s.b.RaiseAlarm()
		time.Sleep(time.Millisecond)
		s.b.ClearAlarm()
	case 4:
		s.b.HoldConfirms()
		time.Sleep(time.Millisecond)
		s.b.ReleaseConfirms()
	case 5:
		s.b.Queues()
		s.b.Connections()
	case 6:
		s.b.Kill()
		_ = s.b.Restart()
	}
}
