package server

import (
	"maps"
	"os"
	"time"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
)

// Hooks are the faults that need the server's help, for amqprpc.Server. They are
// zero where no faults are configured. They act on what [Service.Handle] has drawn
// for the same *amqprpc.Request, and leave a request alone that it has not seen,
// except for ack-delay, which is for all.
//
// Faults that meet in one request happen in this order: crash-before-reply; then early-ack,
// after which there are no others; then duplicate, drop and unknown make up the replies (drop
// takes away the answer and its duplicate, not the unknown reply); then ack-delay; then
// crash-before-ack. So a server with both of the last dies at the end of the delay, still
// without its ack: the caller sees the answer at once, and the duplicate that much later.
func (s *Service) Hooks() amqprpc.ServerHooks {
	if s.dealer == nil {
		return amqprpc.ServerHooks{}
	}
	hooks := amqprpc.ServerHooks{Replies: s.replies}
	if s.holdsAcks() {
		hooks.BeforeAck = s.beforeAck
	}
	return hooks
}

// holdsAcks reports whether a fault happens between the reply and the ack. Such a server waits for the
// confirms of its replies: else both are sent in one write, and there is nothing between.
func (s *Service) holdsAcks() bool {
	return s.config.Faults.CrashBeforeAck > 0 || s.config.Faults.AckDelay > 0
}

func (s *Service) replies(req *amqprpc.Request, reply amqprpc.Message) []amqprpc.Message {
	hit := s.memory.get(req)
	if !s.holdsAcks() {
		s.memory.drop(req)
	}
	if hit&crashBeforeReply != 0 {
		s.config.Die()
		return nil
	}
	if hit&earlyAck != 0 {
		go func() {
			time.Sleep(ackTime + s.config.Delay)
			s.config.Die()
		}()
		return nil
	}
	var out []amqprpc.Message
	if hit&drop == 0 {
		out = append(out, reply)
		if hit&duplicate != 0 {
			out = append(out, copyOf(reply))
		}
	}
	if hit&unknown != 0 {
		stray := copyOf(reply)
		stray.CorrelationID = uuid.NewString() // not from the seed: it must be fresh after a restart too
		out = append(out, stray)
	}
	return out
}

// ackTime is more than an ack needs to reach the broker.
const ackTime = 100 * time.Millisecond

func (s *Service) beforeAck(req *amqprpc.Request) {
	hit := s.memory.get(req)
	s.memory.drop(req)
	if hit&earlyAck != 0 {
		return
	}
	// No context comes here, and a server that is told to be slow is slow.
	time.Sleep(s.config.Faults.AckDelay)
	if hit&crashBeforeAck != 0 {
		s.config.Die()
	}
}

// copyOf shares no table with m, in case the publisher adds a header.
func copyOf(m amqprpc.Message) amqprpc.Message {
	m.Headers = maps.Clone(m.Headers)
	return m
}

// Die ends this process as kill -9 does: no deferred call, no drain, no goodbye to the
// broker. It does not return.
func Die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Kill() == nil {
		select {} // nothing may happen between the signal and its effect
	}
	os.Exit(137) // what a shell reports for SIGKILL
}
