package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"rpcscope/server/pool"
)

// localServers are the servers that --servers started.
type localServers struct {
	pool  *pool.Pool
	mu    sync.Mutex
	ended map[string]int // unasked, by name
	once  sync.Once
	err   error
}

func (o *loadOptions) startServers(ctx context.Context) (_ *localServers, err error) {
	s := &localServers{ended: make(map[string]int)}
	servers := localPool(&o.broker, "--queue="+o.queue, "--quiet")
	servers.RestartOnExit = true
	servers.OnExit = func(status pool.Status) {
		if status.State == pool.Crashed {
			s.mu.Lock()
			s.ended[status.Name]++
			s.mu.Unlock()
		}
	}
	s.pool = pool.New(servers)
	defer func() {
		if err != nil {
			s.close() //nolint:errcheck // the error at hand matters more
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, o.servers)
	for i := range o.servers {
		// Servers of one seed would misbehave in step.
		args := append([]string{"--seed=" + strconv.FormatInt(int64(o.seed*mostServers+uint64(i)), 10)}, o.serverFlags...)
		if i == 0 {
			if _, errs[0] = s.pool.Start(ctx, args...); errs[0] != nil {
				break // the others would fail for the same reason
			}
			continue
		}
		wg.Go(func() { _, errs[i] = s.pool.Start(ctx, args...) })
	}
	wg.Wait()
	return s, errors.Join(errs...)
}

// close stops the servers and waits until they have ended.
func (s *localServers) close() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.err = s.pool.Close(ctx)
	})
	return s.err
}

// report tells of servers that died on their own.
func (s *localServers) report(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.ended)) {
		times := "once"
		if n := s.ended[name]; n > 1 {
			times = fmt.Sprintf("%d times", n)
		}
		fmt.Fprintf(w, "rpcscope: %s died %s by itself and was started again\n", name, times)
	}
}
