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
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

// runFlags say what is called, how often, and who answers: what the screen and the load
// have in common.
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
	force       bool // start servers beside somebody else's
	custom      serviceFlags

	work    lab.Workload // what is asked for
	service *lab.Service // the same, where it is not fib
}

// usualFlags are the defaults where a broker is there: load for as much as it takes.
var usualFlags = runFlags{concurrency: 64, fib: "30"}

// mostServers is how many servers a command starts at most.
const mostServers = 256

// add adds the flags to a set. usual are the defaults of those whose defaults differ.
func (o *runFlags) add(flags *pflag.FlagSet, usual runFlags) {
	o.addCalls(flags, usual)
	flags.IntVar(&o.servers, "servers", usual.servers, "start so many local fibservers for the run")
	o.addServerFlag(flags, usual)
}

// addCalls adds the flags that say what is called, and how often.
func (o *runFlags) addCalls(flags *pflag.FlagSet, usual runFlags) {
	flags.SortFlags = false
	o.broker.Add(flags)
	flags.StringVar(&o.queue, "queue", "rpc_queue", "queue to send requests to")
	flags.IntVarP(&o.concurrency, "concurrency", "c", usual.concurrency, "requests in flight, at most 65536; with --rate it is a limit, and\nthere is none unless this is given")
	flags.Float64Var(&o.rate, "rate", 0, "requests per second (open model)")
	flags.StringVar(&o.fib, "fib", usual.fib, "n, or a range such as 20-35 to choose from at random; at most\n1000000")
	o.custom.add(flags)
	flags.DurationVar(&o.timeout, "timeout", 5*time.Second, "each request's deadline")
	flags.Uint64Var(&o.seed, "seed", 1, "what random choices follow from")
}

func (o *runFlags) addServerFlag(flags *pflag.FlagSet, usual runFlags) {
	flags.StringArrayVar(&o.serverFlags, "server-flag", usual.serverFlags, "flag for local servers, such as --server-flag=--delay=20ms; repeatable")
	flags.BoolVar(&o.force, "force", false, "start local servers even if somebody else consumes from the queue")
}

// validate checks what the flags' own types do not. Errors are about usage.
func (o *runFlags) validate(flags *pflag.FlagSet) error {
	given := flags.Changed
	if err := amqprpc.CheckQueueName(o.queue); err != nil {
		return fmt.Errorf("--queue: %w", err)
	}
	switch {
	case given("concurrency") && (o.concurrency < 1 || o.concurrency > load.MaxConcurrency):
		return fmt.Errorf("-c %d is not between 1 and %d", o.concurrency, load.MaxConcurrency)
	case given("rate") && !(o.rate >= load.MinRate && o.rate <= load.MaxRate):
		return fmt.Errorf("--rate %v is not between %g and %g", o.rate, load.MinRate, load.MaxRate)
	case o.timeout <= 0:
		return fmt.Errorf("--timeout %v is not above zero", o.timeout)
	case o.servers < 0 || o.servers > mostServers:
		return fmt.Errorf("--servers %d is not between 0 and %d", o.servers, mostServers)
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

// checkServerFlags refuses what local servers are told by us.
func checkServerFlags(flags []string) error {
	for _, flag := range flags {
		switch name, _, _ := strings.Cut(flag, "="); name {
		case "--name":
			return errors.New("--server-flag=--name: local servers have the names fib-1, fib-2 and so on")
		case "--queue":
			return errors.New("--server-flag=--queue: local servers take requests from the queue that they are sent to")
		}
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
