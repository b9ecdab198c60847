package pool

import (
	"context"
	"fmt"
	"strings"
)

// await waits until the run is ready. Where it does not get there it is gone after.
func (s *Process) await(ctx context.Context, r *run) error {
	select {
	case <-r.ready:
		return nil
	case <-r.exited:
		select {
		case <-r.ready: // ready, and gone at once: not a failed start
			return nil
		default:
			return s.errStart(r)
		}
	case <-ctx.Done():
		s.end(r, Killed)
		<-r.exited
		if tail := r.out.tail(); len(tail) > 0 {
			return fmt.Errorf("it was not ready in time: %w; its last lines: %s", ctx.Err(), strings.Join(tail, "; "))
		}
		return fmt.Errorf("it was not ready in time: %w", ctx.Err())
	case <-s.pool.closing.Done():
		<-r.exited // Close stops it
		return ErrClosed
	}
}

func (s *Process) stop(ctx context.Context) error {
	r := s.end(nil, Stopped)
	if r == nil {
		return nil
	}
	select {
	case <-r.exited:
		return nil
	case <-ctx.Done():
	}
	s.end(r, Killed)
	<-r.exited
	if s.Status().State != Killed {
		return nil // it made it after all
	}
	return fmt.Errorf("%s did not end in time and was killed: %w", s.name, ctx.Err())
}

func (s *Process) kill() error {
	r := s.end(nil, Killed)
	if r == nil {
		return fmt.Errorf("%s: %w", s.name, ErrNotRunning)
	}
	<-r.exited
	return nil
}

// end asks the run, or where that is nil the present one, to end in the given way,
// and returns it, or nil where it has ended already. It calls off a restart that is
// due.
func (s *Process) end(r *run, how State) *run {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.cancelRestart()
	if !s.alive() || r != nil && r != s.run {
		return nil
	}
	if how == Killed {
		if s.pool.system.kill(s.run.cmd) == nil {
			s.asked = Killed
		}
		return s.run
	}
	if s.asked != 0 {
		return s.run // a second SIGTERM would cut its drain short
	}
	s.asked, s.status.State = Stopped, Stopping
	if s.pool.system.terminate(s.run.cmd) != nil && s.pool.system.kill(s.run.cmd) == nil {
		s.asked = Killed // this system, or this process, has no gentle way
	}
	return s.run
}
