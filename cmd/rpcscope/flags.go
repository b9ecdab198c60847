package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
	"rpcscope/cmd/internal/cli"
	"rpcscope/cmd/internal/fibserver"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

// runFlags are the flags that the screen and the load share: the calls and their servers.
type runFlags struct {
	broker      cli.BrokerFlags
	queue       string
	concurrency int
	rate        float64
	fib         string
	timeout     time.Duration
	seed        uint64
	servers     int
	serverFlags []string
	force       bool // start servers even if there are foreign consumers
	custom      serviceFlags

	work    lab.Workload
	service *lab.Service // work if it is not fib, else nil
}

// defaultFlags are the defaults of all commands but demo.
var defaultFlags = runFlags{concurrency: 64, fib: "30"}

// maxServers is the maximum of servers that a command starts.
const maxServers = 256

// add adds the flags to a set.
func (o *runFlags) add(flags *pflag.FlagSet, defaults runFlags) {
	o.addCalls(flags, defaults)
	flags.IntVar(&o.servers, "servers", defaults.servers, "number of local fibservers to start for the run")
	o.addServerFlag(flags, defaults)
}

// addCalls adds the flags of the calls.
func (o *runFlags) addCalls(flags *pflag.FlagSet, defaults runFlags) {
	flags.SortFlags = false
	o.broker.Add(flags)
	flags.StringVar(&o.queue, "queue", "rpc_queue", "queue to send requests to")
	flags.IntVarP(&o.concurrency, "concurrency", "c", defaults.concurrency, "requests in flight, at most 65536; with --rate it is a maximum, and\nthere is none by default")
	flags.Float64Var(&o.rate, "rate", 0, "requests per second (open model)")
	flags.StringVar(&o.fib, "fib", defaults.fib, "n, or a range such as 20-35 to choose from at random; at most\n1000000")
	o.custom.add(flags)
	flags.DurationVar(&o.timeout, "timeout", 5*time.Second, "each request's deadline")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of all random choices")
}

func (o *runFlags) addServerFlag(flags *pflag.FlagSet, defaults runFlags) {
	flags.StringArrayVar(&o.serverFlags, "server-flag", defaults.serverFlags, "flag for local servers, such as --server-flag=--delay=20ms; repeatable")
	flags.BoolVar(&o.force, "force", false, "start local servers even if others consume from the queue")
}

// validate checks the values of the flags. Its errors are usage errors.
func (o *runFlags) validate(flags *pflag.FlagSet) error {
	given := flags.Changed
	if err := amqprpc.CheckQueueName(o.queue); err != nil {
		return fmt.Errorf("--queue: %w", err)
	}
	switch {
	case given("concurrency") && (o.concurrency < 1 || o.concurrency > load.MaxConcurrency):
		return fmt.Errorf("-c %d is not between 1 and %d", o.concurrency, load.MaxConcurrency)
	case given("rate") && !(o.rate >= load.MinRate && o.rate <= load.MaxRate):
		return fmt.Errorf("--rate %v is not between %.6f and %.0f", o.rate, load.MinRate, load.MaxRate)
	case o.timeout <= 0:
		return fmt.Errorf("--timeout must be positive, not %v", o.timeout)
	case o.servers < 0 || o.servers > maxServers:
		return fmt.Errorf("--servers %d is not between 0 and %d", o.servers, maxServers)
	}
	if err := checkServerFlags(o.serverFlags); err != nil {
		return err
	}
	if o.rate > 0 && !given("concurrency") {
		o.concurrency = 0
	}
	fib, err := lab.ParseFib(o.fib)
	if err != nil {
		return fmt.Errorf("--fib %w", err)
	}
	if o.service, err = o.custom.service(flags, fib); err != nil {
		return err
	}
	o.work = fib
	if o.service != nil {
		o.work = o.service
	}
	return nil
}

// checkServerFlags returns an error if local servers do not accept these flags.
func checkServerFlags(flags []string) error {
	for _, flag := range flags {
		switch name, _, _ := strings.Cut(flag, "="); name {
		case "--name":
			return errors.New("--server-flag=--name: local servers have the names fib-1, fib-2 and so on")
		case "--queue":
			return errors.New("--server-flag=--queue: local servers consume from the queue of --queue")
		}
	}
	if err := fibserver.CheckFlags(flags); err != nil {
		return fmt.Errorf("--server-flag: %w", err)
	}
	return nil
}

func (o *runFlags) config() report.RunConfig {
	c := report.RunConfig{
		Queue: o.queue, Concurrency: o.concurrency, Rate: o.rate,
		TimeoutMS: o.timeout.Milliseconds(), Seed: o.seed,
	}
	o.work.Describe(&c)
	return c
}

// labConfig returns the configuration of a lab.
func (o *runFlags) labConfig(recorded *recording) (lab.Config, error) {
	broker, err := o.broker.Broker("rpcscope")
	return lab.Config{
		Broker: broker, Backoff: cli.Backoff, Queue: o.queue,
		Concurrency: o.concurrency, Rate: o.rate, Fib: o.fib, Service: o.service, Timeout: o.timeout, Seed: o.seed,
		Pool: localPool(&o.broker, o.serverFlags...), ServerSeed: int64(o.seed * maxServers), Force: o.force,
		Observer: recorded.observer(),
	}, err
}
