package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// testTimeout is how long a call may take before it counts as lost.
const testTimeout = 10 * time.Second

var body = []byte("30")

// A setting is the configuration of a client and a server.
type setting struct {
	url, queue         string
	inFlight, prefetch int
}

// arguments are for a process of this binary that does a role, "serve" or "call", of a system. Its
// broker is at $AMQP_URL.
func (s setting) arguments(role, system string) []string {
	return []string{role, system, s.queue, strconv.Itoa(s.inFlight), strconv.Itoa(s.prefetch)}
}

// A loop keeps calls in flight until the watch is over, and returns when the last has ended.
type loop func(*watch) error

// work does a role of a system until the process is killed, or until its standard input ends.
func work(arguments []string) error {
	if len(arguments) != 5 {
		return errors.New("too few arguments")
	}
	inFlight, err1 := strconv.Atoi(arguments[3])
	prefetch, err2 := strconv.Atoi(arguments[4])
	i := slices.IndexFunc(systems, func(s system) bool { return s.name == arguments[1] })
	if i < 0 || err1 != nil || err2 != nil {
		return errors.New("no such system, or a number that is none")
	}
	s := setting{os.Getenv("AMQP_URL"), arguments[2], inFlight, prefetch}
	if arguments[0] == "serve" {
		return systems[i].serve(s)
	}
	calls, err := systems[i].connect(s)
	if err != nil {
		return err
	}
	return takeTurns(os.Stdin, os.Stdout, calls)
}

// takeTurns reads the length of each turn, and writes its result.
func takeTurns(in io.Reader, out io.Writer, calls loop) error {
	lengths, turns := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var length time.Duration
		if err := lengths.Decode(&length); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		began := time.Now()
		w := &watch{until: began.Add(length)}
		if err := calls(w); err != nil {
			return err
		}
		if err := turns.Encode(w.turn(time.Since(began))); err != nil {
			return err
		}
	}
}

// A turn is the result of one client's calls for a while.
type turn struct {
	Calls    int
	Rate     float64 // in calls a second
	P50, P99 float64 // in ms
}

// A watch notes how long the calls of a turn took.
type watch struct {
	until time.Time

	mu   sync.Mutex
	took []time.Duration
}

// over reports whether no further call is to begin.
func (w *watch) over(now time.Time) bool { return !now.Before(w.until) }

func (w *watch) add(took []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, took...)
}

func (w *watch) turn(elapsed time.Duration) turn {
	slices.Sort(w.took)
	quantile := func(q float64) float64 {
		i := int(math.Ceil(q*float64(len(w.took)))) - 1
		return 1e3 * w.took[max(i, 0)].Seconds()
	}
	if len(w.took) == 0 {
		return turn{}
	}
	return turn{len(w.took), float64(len(w.took)) / elapsed.Seconds(), quantile(0.5), quantile(0.99)}
}

func (t turn) check() error {
	if t.Calls < 1 || t.Rate <= 0 || t.P50 <= 0 || t.P99 < t.P50 {
		return fmt.Errorf("that is no turn: %+v", t)
	}
	return nil
}
