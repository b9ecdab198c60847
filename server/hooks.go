package server

import (
	"os"
	"time"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
)

// Hooks returns the hooks of an amqprpc.Server that inject the faults a handler cannot. It is
// the zero value if no faults are configured.
//
// The faults of one request are injected in this order: crash-before-reply; early-ack, after
// which there are no replies; duplicate, drop and unknown (drop removes the answer and its
// duplicate, not the unknown reply); ack-delay; crash-before-ack. So with the last two the
// caller gets its answer at once, and the server dies unacked at the end of the delay.
func (s *Service) Hooks() amqprpc.ServerHooks {
	if s.streams == nil {
		return amqprpc.ServerHooks{}
	}
	hooks := amqprpc.ServerHooks{Replies: s.replies}
	// With BeforeAck the server waits for the confirms of its replies; otherwise it sends reply and
	// ack in one write.
	if s.config.Faults.CrashBeforeAck > 0 || s.config.Faults.AckDelay > 0 {
		hooks.BeforeAck = s.beforeAck
	}
	return hooks
}

// ackedEarly is the content type that tells the hook about early-ack.
const ackedEarly = "early-ack"

func (s *Service) replies(_ *amqprpc.Request, reply amqprpc.Message) []amqprpc.Message {
	duplicates, drops, strays := s.hits(duplicate), s.hits(drop), s.hits(unknown)
	if s.hits(crashBeforeReply) {
		s.config.Die()
		return nil
	}
	if reply.ContentType == ackedEarly {
		go func() {
			time.Sleep(ackTime + s.config.Delay)
			s.config.Die()
		}()
		return nil
	}
	var out []amqprpc.Message
	if !drops {
		out = append(out, reply)
		if duplicates {
			out = append(out, reply)
		}
	}
	if strays {
		stray := reply
		stray.CorrelationID = uuid.NewString() // not seeded: it must be new after a restart
		out = append(out, stray)
	}
	return out
}

// ackTime is more than an ack needs to reach the broker.
const ackTime = 100 * time.Millisecond

func (s *Service) beforeAck(*amqprpc.Request) {
	time.Sleep(s.config.Faults.AckDelay)
	if s.hits(crashBeforeAck) {
		s.config.Die()
	}
}

// Die ends this process as kill -9 does. It does not return.
func Die() {
	self, _ := os.FindProcess(os.Getpid())
	self.Kill() //nolint:errcheck // there is nothing else to try
	select {}   // nothing may happen before the signal takes effect
}
