//go:build unix

package pool

import (
	"syscall"
	"testing"
	"time"
)

// work uses d of CPU time.
func work(d time.Duration) {
	for {
		var used syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil || time.Duration(used.Utime.Nano()+used.Stime.Nano()) >= d {
			return
		}
	}
}

func TestCPU(t *testing.T) {
	const each = 30 * time.Millisecond
	p, _ := newTestPool(t, Config{})
	s := start(t, p, "work:"+each.String(), "ready", "wait")
	if used := s.Status().CPU; used != 0 {
		t.Errorf("%v while the process runs", used)
	}
	if err := p.Restart(t.Context(), "fib-1"); err != nil {
		t.Fatal(err)
	}
	if used := s.Status().CPU; used < each {
		t.Errorf("%v of the first process, which used %v", used, each)
	}
	if err := p.Kill("fib-1"); err != nil {
		t.Fatal(err)
	}
	if used := s.Status().CPU; used < 2*each {
		t.Errorf("%v of two processes, which used %v each", used, each)
	}
}
