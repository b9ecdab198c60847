package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A system is a client and a server. serve answers requests and connect makes calls, each in a process of this
// binary; a system without them starts other programs.
type system struct {
	name    string
	serve   func(setting) error
	connect func(setting) (loop, error)
}

// systems are in the order of the table. A system that needs another library is a file beside this one, kept out of
// the repository, whose init appends to them.
var systems = []system{
	{"plain", servePlain, connectPlain},
	{"coalesced", serveCoalesced, connectCoalesced},
	{"ours", serveOurs, connectOurs},
	{"ours-no-confirms", serveOurs, connectOursNoConfirms},
	{name: "load+fibserver"},
}

// A caller is a client at work.
type caller interface {
	turn(length time.Duration) (turn, error)
	cpu() time.Duration // that it has used up to now, for all turns
}

// start starts the server and the client of a system. They end with the benchmark.
func (s system) start(b testing.TB, at setting) (server *exec.Cmd, client caller) {
	b.Helper()
	if s.serve == nil {
		folder, err := commands()
		if err != nil {
			b.Fatal(err)
		}
		server = program(at, filepath.Join(folder, "fibserver"), "--queue", at.queue, "--queue-type", "classic", "--quiet",
			"--prefetch", strconv.Itoa(at.prefetch), "--workers", strconv.Itoa(at.prefetch))
		start(b, server)
		return server, &loadRuns{at: at, program: filepath.Join(folder, "rpcscope")}
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	server = program(at, self, at.arguments("serve", s.name)...)
	start(b, server)
	cmd := program(at, self, at.arguments("call", s.name)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	start(b, cmd)
	return server, &process{cmd, json.NewEncoder(in), json.NewDecoder(out)}
}

func program(at setting, path string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(path, arguments...)
	cmd.Env = append(os.Environ(), "AMQP_URL="+at.url)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = endsWithParent()
	return cmd
}

func start(b testing.TB, cmd *exec.Cmd) {
	b.Helper()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have failed and ended
		cmd.Wait()         //nolint:errcheck // it was killed
	})
}

// A process is a client of this binary, which takes all its turns.
type process struct {
	cmd     *exec.Cmd
	lengths *json.Encoder
	turns   *json.Decoder
}

func (p *process) turn(length time.Duration) (t turn, err error) {
	if err = p.lengths.Encode(length); err == nil {
		err = p.turns.Decode(&t)
	}
	return t, err
}

func (p *process) cpu() time.Duration { return cpuOf(p.cmd.Process.Pid) }

// loadRuns are runs of rpcscope load, one for each turn.
type loadRuns struct {
	at      setting
	program string
	used    time.Duration
}

func (l *loadRuns) turn(length time.Duration) (turn, error) {
	warmup := length / 4
	cmd := program(l.at, l.program, "load", "--queue", l.at.queue, "-c", strconv.Itoa(l.at.inFlight), "--fib", "1",
		"--warmup", warmup.String(), "--duration", length.String(), "--json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return turn{}, fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	l.used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	var summary struct {
		Calls struct {
			Sent int `json:"sent"`
		} `json:"calls"`
		Throughput float64 `json:"throughput_per_s"`
		Elapsed    float64 `json:"elapsed_s"`
		Response   struct {
			P50 float64 `json:"p50"`
			P99 float64 `json:"p99"`
		} `json:"response_ms"`
	}
	if err := json.Unmarshal(out, &summary); err != nil {
		return turn{}, err
	}
	// The warm-up is left out of the summary, and is of the same rate.
	calls := float64(summary.Calls.Sent) * (1 + warmup.Seconds()/summary.Elapsed)
	return turn{int(calls), summary.Throughput, summary.Response.P50, summary.Response.P99}, nil
}

func (l *loadRuns) cpu() time.Duration { return l.used }

// commands builds the two commands, once, and returns their folder.
var commands = sync.OnceValues(func() (string, error) {
	build := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "rpcscope/cmd/rpcscope", "rpcscope/cmd/fibserver")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return folder, nil
})
