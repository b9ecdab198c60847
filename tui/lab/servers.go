package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rpcscope/server"
	"rpcscope/server/pool"
	"rpcscope/tui/text"
)

// startTimeout bounds the start of a server.
const startTimeout = time.Minute

// servers has the state of the lab's servers that the pool does not keep.
type servers struct {
	mu      sync.Mutex
	serving []string // names, oldest first
	marks   []Mark
}

// join records that a server consumes. Servers print their ready line after each reconnect.
func (s *servers) join(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.serving, name) {
		s.serving = append(s.serving, name)
		s.mark(name, true)
	}
}

// leave records that a server has ended.
func (s *servers) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.serving, name); i >= 0 {
		s.serving = slices.Delete(s.serving, i, i+1)
		s.mark(name, false)
	}
}

func (s *servers) mark(name string, joined bool) {
	if len(s.marks) == MaxMarks {
		s.marks = slices.Delete(s.marks, 0, 1)
	}
	s.marks = append(s.marks, Mark{Time: time.Now(), Server: name, Joined: joined})
}

// newest returns the server that joined last, or "".
func (s *servers) newest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.serving) == 0 {
		return ""
	}
	return s.serving[len(s.serving)-1]
}

func (s *servers) allMarks() []Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.marks)
}

// onServerOutput is the pool's Output.
func (l *Lab) onServerOutput(name, line string) {
	defer l.catch()
	if strings.Contains(line, pool.ReadyLine) {
		l.servers.join(name)
		l.queue.pollNow()
	}
}

// onServerExit is the pool's OnExit.
func (l *Lab) onServerExit(s pool.Status) {
	defer l.catch()
	l.servers.leave(s.Name)
	l.queue.pollNow()
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if !s.WasReady || s.Requested || closed {
		return // the method that started or ended it adds the note
	}
	if s.State != pool.Crashed {
		l.notes.add(Info, fmt.Sprintf("%s ended by itself", s.Name), "")
		return
	}
	note := fmt.Sprintf("%s crashed: %s", s.Name, s.Reason)
	for _, arg := range s.Args {
		if fault, ok := strings.CutPrefix(arg, "--fault="); ok {
			note += ", with its fault " + fault
		}
	}
	l.notes.add(Failure, note, "")
}

// SetFault sets the --fault list of the next server that is started, and of that one only, in the
// syntax of [server.ParseFaults]. An empty list is no fault.
func (l *Lab) SetFault(list string) error {
	faults, err := server.ParseFaults(list)
	if err != nil {
		return l.noteResult("", invalid("fault: %v", err))
	}
	list = faults.String()
	success := "the next server does nothing wrong"
	if list != "" {
		success = "the next server gets --fault=" + list
	}
	return l.change(success, func() error {
		l.fault = list
		return nil
	})
}

// StartServer starts one more server, with further flags such as --delay=20ms, and waits until it
// consumes, at most a minute. It fails if [Lab.CheckStart] does.
func (l *Lab) StartServer(ctx context.Context, flags ...string) (name string, err error) {
	if err := l.CheckStart(ctx); err != nil {
		return "", l.noteResult("", fmt.Errorf("no server was started: %w", err))
	}
	l.mu.Lock()
	closed, fault := l.closed, l.fault
	l.fault = ""
	args := []string{"--seed=" + strconv.FormatInt(l.nextSeed, 10)}
	l.nextSeed++
	l.mu.Unlock()
	if closed {
		return "", l.noteResult("", ErrClosed)
	}
	if fault != "" {
		args = append(args, "--fault="+fault)
	}
	args = append(args, flags...)
	ctx, cancel := l.withTimeout(ctx, startTimeout)
	defer cancel()
	p, err := l.pool.Start(ctx, args...)
	if err != nil {
		l.mu.Lock()
		if l.fault == "" {
			l.fault = fault
		}
		l.mu.Unlock()
		if errors.Is(err, context.Canceled) {
			l.notes.add(Info, "the start of a server was given up", "")
			return "", err
		}
		return "", l.noteResult("", err)
	}
	l.queue.pollNow()
	success := fmt.Sprintf("%s started, pid %d", p.Name(), p.Status().PID)
	if fault != "" {
		success += ", with " + fault
	}
	if len(flags) > 0 {
		success += ", " + strings.Join(flags, " ")
	}
	return p.Name(), l.noteResult(success, nil)
}

// StopServer makes a server finish its work and end, and waits until it has. If ctx ends first, it
// kills the server and returns an error.
func (l *Lab) StopServer(ctx context.Context, name string) error {
	began := time.Now()
	err := l.pool.Stop(ctx, name)
	l.queue.pollNow()
	return l.noteResult(fmt.Sprintf("%s stopped in %s", name, text.Duration(time.Since(began))), err)
}

// KillServer kills a server as kill -9 does.
func (l *Lab) KillServer(name string) error {
	err := l.pool.Kill(name)
	l.queue.pollNow()
	return l.noteResult(name+" killed, as by kill -9", err)
}

// RestartServer stops a server if it runs, and starts it again under its name. It fails if
// [Lab.CheckStart] does.
func (l *Lab) RestartServer(ctx context.Context, name string) error {
	if err := l.CheckStart(ctx); err != nil {
		return l.noteResult("", fmt.Errorf("%s was not restarted: %w", name, err))
	}
	ctx, cancel := l.withTimeout(ctx, startTimeout)
	defer cancel()
	err := l.pool.Restart(ctx, name)
	l.queue.pollNow()
	return l.noteResult(name+" restarted", err)
}
