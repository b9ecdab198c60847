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
)

// startWait bounds how long a server may take to start.
const startWait = time.Minute

// A fleet is what the lab knows of its servers besides what the pool does.
type fleet struct {
	ready string // in the line by which a server says that it consumes

	mu      sync.Mutex
	serving []string        // names, in the order in which they came
	asked   map[string]bool // to end, by a verb
	seeds   map[string]bool // arguments of servers that are being started
	marks   []Mark
}

func (f *fleet) init(cfg pool.Config) {
	f.ready = cfg.Ready
	if f.ready == "" {
		f.ready = "Awaiting RPC requests"
	}
	f.asked, f.seeds = make(map[string]bool), make(map[string]bool)
}

// came enters that a server consumes. A server says so after each reconnect.
func (f *fleet) came(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.Contains(f.serving, name) {
		return
	}
	f.serving = append(f.serving, name)
	delete(f.asked, name)
	f.mark(name, true)
}

// went enters that a server has ended, and returns whether it had served and whether it
// was asked to end.
func (f *fleet) went(name string) (served, asked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked = f.asked[name]
	delete(f.asked, name)
	i := slices.Index(f.serving, name)
	if i < 0 {
		return false, asked
	}
	f.serving = slices.Delete(f.serving, i, i+1)
	f.mark(name, false)
	return true, asked
}

func (f *fleet) mark(name string, came bool) {
	if len(f.marks) == MaxMarks {
		f.marks = slices.Delete(f.marks, 0, 1)
	}
	f.marks = append(f.marks, Mark{Time: time.Now(), Server: name, Joined: came})
}

func (f *fleet) ask(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[name] = true
}

// newest is the server that came last, "" where none serves.
func (f *fleet) newest() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.serving) == 0 {
		return ""
	}
	return f.serving[len(f.serving)-1]
}

// unask takes back an ask where err says that it failed and nothing serves under that
// name: nobody would take it back, and a later end of such a server would pass for asked.
func (f *fleet) unask(name string, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	notRun := errors.Is(err, pool.ErrUnknown) || errors.Is(err, pool.ErrNotRunning)
	if notRun || !slices.Contains(f.serving, name) {
		delete(f.asked, name)
	}
}

// marksKept is how far back the ledger's rates go.
const marksKept = 15 * time.Minute

func (f *fleet) lastMarks() []Mark {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.marks) > 0 && time.Since(f.marks[0].Time) > marksKept {
		f.marks = f.marks[1:]
	}
	return slices.Clone(f.marks)
}

// starting enters that a server with this seed is being started; call the result when it
// has, or has not.
func (f *fleet) starting(seed string) (done func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seeds[seed] = true
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.seeds, seed)
	}
}

// notYetIn returns how many servers are being started that are not in the list.
func (f *fleet) notYetIn(list []pool.Status) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.seeds)
	for _, s := range list {
		if len(s.Args) > 0 && f.seeds[s.Args[0]] {
			n--
		}
	}
	return n
}

// serverSaid is the pool's Output.
func (l *Lab) serverSaid(name, line string) {
	defer l.catch()
	if strings.Contains(line, l.fleet.ready) {
		l.fleet.came(name)
		l.queue.askNow()
	}
}

// serverEnded is the pool's OnExit.
func (l *Lab) serverEnded(s pool.Status) {
	defer l.catch()
	served, asked := l.fleet.went(s.Name)
	l.queue.askNow()
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if !served || asked || closed {
		return // whoever started it, or asked it to end, tells
	}
	switch s.State {
	case pool.Crashed:
		text := fmt.Sprintf("%s crashed: %s", s.Name, s.Reason)
		for _, arg := range s.Args {
			if fault, ok := strings.CutPrefix(arg, "--fault="); ok {
				text += ", with its fault " + fault
			}
		}
		l.notes.add(Failure, text, "")
	default:
		l.notes.add(Info, fmt.Sprintf("%s ended by itself", s.Name), "")
	}
}

// SetFault has the next server that is started do something wrong, as
// [server.ParseFaults] reads it; "" is nothing. The one after that is a good one again.
func (l *Lab) SetFault(list string) error {
	faults, err := server.ParseFaults(list)
	if err != nil {
		return l.note("", prefixed("fault: ", err))
	}
	list = faults.String()
	done := "the next server does nothing wrong"
	if list != "" {
		done = "the next server gets --fault=" + list
	}
	return l.change(done, func() error {
		l.fault = list
		return nil
	})
}

// StartServer starts one more server and waits until it consumes, a minute at most. It is an
// error if that would be beside somebody else's, see [Lab.Alone].
func (l *Lab) StartServer(ctx context.Context) (name string, err error) {
	return l.StartServerWith(ctx)
}

// StartServerWith is [Lab.StartServer] of a server with flags of its own, such as
// --delay=20ms, besides those that all have.
func (l *Lab) StartServerWith(ctx context.Context, flags ...string) (name string, err error) {
	if err := l.CheckStart(ctx); err != nil {
		return "", l.note("", fmt.Errorf("no server was started: %w", err))
	}
	l.mu.Lock()
	closed, fault := l.closed, l.fault
	l.fault = ""
	args := []string{"--seed=" + strconv.FormatInt(l.seed, 10)}
	l.seed++
	l.mu.Unlock()
	if closed {
		return "", l.note("", ErrClosed)
	}
	if fault != "" {
		args = append(args, "--fault="+fault)
	}
	args = append(args, flags...)
	began := l.fleet.starting(args[0])
	ctx, cancel := l.bounded(ctx, startWait)
	defer cancel()
	p, err := l.pool.Start(ctx, args...)
	began()
	if err != nil {
		l.mu.Lock()
		if l.fault == "" { // it is the next one's again
			l.fault = fault
		}
		l.mu.Unlock()
		if errors.Is(err, context.Canceled) { // by whoever wanted it
			l.notes.add(Info, "the start of a server was given up", "")
			return "", err
		}
		return "", l.note("", err)
	}
	l.queue.askNow()
	done := fmt.Sprintf("%s started, pid %d", p.Name(), p.Status().PID)
	if fault != "" {
		done += ", with " + fault
	}
	if len(flags) > 0 {
		done += ", " + strings.Join(flags, " ")
	}
	return p.Name(), l.note(done, nil)
}

// StopServer has a server finish its work and end, and waits until it has. Where ctx ends
// first, it is killed, and the error says so.
func (l *Lab) StopServer(ctx context.Context, name string) error {
	if slices.ContainsFunc(l.pool.List(), func(s pool.Status) bool { return s.Name == name && !s.State.Alive() }) {
		return l.note("", fmt.Errorf("%s: %w", name, pool.ErrNotRunning)) // which the pool is content with
	}
	l.fleet.ask(name)
	began := time.Now()
	err := l.pool.Stop(ctx, name)
	l.fleet.unask(name, err)
	l.queue.askNow()
	return l.note(fmt.Sprintf("%s stopped in %s", name, took(time.Since(began))), err)
}

// KillServer ends a server as kill -9 does.
func (l *Lab) KillServer(name string) error {
	l.fleet.ask(name)
	err := l.pool.Kill(name)
	l.fleet.unask(name, err)
	l.queue.askNow()
	return l.note(name+" killed, as by kill -9", err)
}

// RestartServer stops a server if it runs, and starts it again under its name. It is an error if
// that would be beside somebody else's, see [Lab.Alone].
func (l *Lab) RestartServer(ctx context.Context, name string) error {
	if err := l.CheckStart(ctx); err != nil {
		return l.note("", fmt.Errorf("%s was not restarted: %w", name, err))
	}
	ctx, cancel := l.bounded(ctx, startWait)
	defer cancel()
	l.fleet.ask(name)
	err := l.pool.Restart(ctx, name)
	l.fleet.unask(name, err)
	l.queue.askNow()
	return l.note(name+" restarted", err)
}
