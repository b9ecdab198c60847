package lab

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
)

// Measure runs a load with the plan's count, duration and warm-up in place of the lab's own load, and returns its result
// when all calls have ended. A warm-up resets the ledger.
//
// If the first calls that end are denied, all others would be, too: Measure stops the load and returns the
// *amqprpc.PermissionError.
func (l *Lab) Measure(ctx context.Context, plan load.Plan) (load.Result, error) {
	var completed atomic.Bool
	var denied atomic.Pointer[amqprpc.PermissionError]
	var measured *load.Load
	l.mu.Lock()
	plan.Source, plan.Seed, plan.Check, plan.OnWarm = l.request, l.cfg.Seed, l.check, l.tee.Reset
	plan.Rate, plan.Concurrency = l.state.Rate, l.state.Concurrency
	plan.OnResult = func(c *load.Call) {
		l.reportFailure(c.Err)
		why := (*amqprpc.PermissionError)(nil)
		if c.Err == nil {
			completed.Store(true)
		} else if errors.As(c.Err, &why) && !completed.Load() && denied.CompareAndSwap(nil, why) {
			measured.Stop()
		}
	}
	measured, err := load.New(l.call, plan)
	if err == nil {
		l.load.Stop()
		l.load, l.state.Paused, l.state.Waiting = measured, false, false
	}
	l.mu.Unlock()
	if err != nil {
		return load.Result{}, err
	}
	result, err := measured.Run(ctx)
	if why := denied.Load(); why != nil && err == nil {
		err = why
	}
	return result, err
}

// StopServers stops all servers for good, as [Lab.Close] does, and waits until their last replies are in the ledger.
func (l *Lab) StopServers(ctx context.Context) error {
	err := l.pool.Close(ctx)
	// The broker delivers the replies before it answers this.
	if conn, ok := l.client.Connection(); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		l.client.QueueStats(ctx, conn.Queue) //nolint:errcheck // the answer does not matter
	}
	return err
}
