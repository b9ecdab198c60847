package server

import (
	"maps"
	"os"
	"time"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
)

// Hooks returns the hooks of an amqprpc.Server that inject the faults a handler cannot. It is
// the zero value if no faults are configured. Except for ack-delay, hooks act only on requests
// that [Service.Handle] has seen.
//
// The faults of one request are injected in this order: crash-before-reply; early-ack, which
// excludes those after it; duplicate, drop and unknown (drop removes the answer and its
// duplicate, not the unknown reply); ack-delay; crash-before-ack. So with the last two the
// caller gets its answer at once, and the server dies unacked at the end of the delay.
func (s *Service) Hooks() amqprpc.ServerHooks {
	if s.injector == nil {
		return amqprpc.ServerHooks{}
	}
	hooks := amqprpc.ServerHooks{Replies: s.replies}
	if s.delaysAcks() {
		hooks.BeforeAck = s.beforeAck
	}
	return hooks
}

// delaysAcks reports whether a fault happens between the reply and the ack. Only then does the
// server wait for the confirms of its replies; otherwise it sends both in one write.
func (s *Service) delaysAcks() bool {
	return s.config.Faults.CrashBeforeAck > 0 || s.config.Faults.AckDelay > 0
}

func (s *Service) replies(req *amqprpc.Request, reply amqprpc.Message) []amqprpc.Message {
	set := s.pending.get(req)
	if !s.delaysAcks() {
		s.pending.remove(req)
	}
	if set&crashBeforeReply != 0 {
		s.config.Die()
		return nil
	}
	if set&earlyAck != 0 {
		go func() {
			time.Sleep(ackTime + s.config.Delay)
			s.config.Die()
		}()
		return nil
	}
	var out []amqprpc.Message
	if set&drop == 0 {
		out = append(out, reply)
		if set&duplicate != 0 {
			out = append(out, cloneMessage(reply))
		}
	}
	if set&unknown != 0 {
		stray := cloneMessage(reply)
		stray.CorrelationID = uuid.NewString() // not seeded: it must be new after a restart
		out = append(out, stray)
	}
	return out
}

// ackTime is more than an ack needs to reach the broker.
const ackTime = 100 * time.Millisecond

func (s *Service) beforeAck(req *amqprpc.Request) {
	set := s.pending.get(req)
	s.pending.remove(req)
	if set&earlyAck != 0 {
		return
	}
	time.Sleep(s.config.Faults.AckDelay)
	if set&crashBeforeAck != 0 {
		s.config.Die()
	}
}

// cloneMessage copies the header table too, in case the publisher adds a header.
func cloneMessage(m amqprpc.Message) amqprpc.Message {
	m.Headers = maps.Clone(m.Headers)
	return m
}

// Die ends this process as kill -9 does. It does not return.
func Die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Kill() == nil {
		select {} // nothing may happen before the signal takes effect
	}
	os.Exit(137) // the exit status that a shell reports for SIGKILL
}
