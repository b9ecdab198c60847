package server

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults are what a server does wrong on purpose. The fields without a unit are
// probabilities from 0 to 1, each for one request. Faults are independent of one another and may
// meet in one request; [Service.Handle] and [Service.Hooks] tell what happens then.
//
// A pointer to Faults is a pflag.Value for --fault LIST.
type Faults struct {
	// CrashBeforeAck: publish the reply, await its confirm, wait AckDelay, then die by
	// SIGKILL. The broker gives the request to another server, whose reply is a duplicate.
	CrashBeforeAck float64
	// CrashBeforeReply: compute the reply, then die by SIGKILL instead of publishing it.
	CrashBeforeReply float64
	// EarlyAck: ack the request before the work on it, do the work, then die by SIGKILL
	// instead of publishing the reply. No other server gets the request: it is lost.
	EarlyAck float64
	// Duplicate: publish the reply twice.
	Duplicate float64
	// Unknown: also publish the reply under a fresh correlation ID, which no call has.
	Unknown float64
	// Drop: do not publish the reply, but ack the request. With Unknown, only the
	// reply that nobody knows goes out.
	Drop float64
	// Error: answer with INTERNAL "injected error".
	Error float64
	// Panic: panic in the handler.
	Panic float64
	// Slow: before any work, sleep for SlowFor with no regard for the deadline, and do
	// the work with no regard for it either.
	Slow    float64
	SlowFor time.Duration
	// AckDelay, for every request: sleep between the reply's confirm and the ack. A kill
	// meanwhile makes a duplicate. A drain waits for it.
	AckDelay time.Duration
}

// A fault is one entry of the list: its name, and where its numbers are. Each has a
// probability, a duration, or both.
type fault struct {
	name     string
	chance   func(*Faults) *float64
	duration func(*Faults) *time.Duration
}

var faults = []fault{
	{name: "crash-before-ack", chance: func(f *Faults) *float64 { return &f.CrashBeforeAck }},
	{name: "crash-before-reply", chance: func(f *Faults) *float64 { return &f.CrashBeforeReply }},
	{name: "early-ack", chance: func(f *Faults) *float64 { return &f.EarlyAck }},
	{name: "duplicate", chance: func(f *Faults) *float64 { return &f.Duplicate }},
	{name: "unknown", chance: func(f *Faults) *float64 { return &f.Unknown }},
	{name: "drop", chance: func(f *Faults) *float64 { return &f.Drop }},
	{name: "error", chance: func(f *Faults) *float64 { return &f.Error }},
	{name: "panic", chance: func(f *Faults) *float64 { return &f.Panic }},
	{name: "slow", chance: func(f *Faults) *float64 { return &f.Slow }, duration: func(f *Faults) *time.Duration { return &f.SlowFor }},
	{name: "ack-delay", duration: func(f *Faults) *time.Duration { return &f.AckDelay }},
}

// ParseFaults reads a comma separated list of
//
//	crash-before-ack=P crash-before-reply=P early-ack=P duplicate=P unknown=P drop=P error=P
//	panic=P slow=P:DURATION ack-delay=DURATION
//
// where P is a probability from 0 to 1 and DURATION is as time.ParseDuration reads it.
// A bare name, without "=P", means always: P = 1. The empty list is no faults. Each
// fault may be named once.
func ParseFaults(list string) (Faults, error) {
	var f Faults
	err := f.parse(list)
	if err != nil {
		return Faults{}, err
	}
	return f, nil
}

// Set implements pflag.Value. Where the flag is given more than once, the lists add
// up, and for a fault in several of them the last counts.
func (f *Faults) Set(list string) error {
	next := *f
	if err := next.parse(list); err != nil {
		return err
	}
	*f = next
	return nil
}

// Type implements pflag.Value: what a usage text calls the flag's value.
func (f *Faults) Type() string { return "list" }

// String returns the list, as [ParseFaults] reads it.
func (f Faults) String() string {
	var items []string
	for _, k := range faults {
		var chance float64
		var duration time.Duration
		if k.chance != nil {
			chance = *k.chance(&f)
		}
		if k.duration != nil {
			duration = *k.duration(&f)
		}
		if chance == 0 && duration == 0 {
			continue
		}
		p := strconv.FormatFloat(chance, 'g', -1, 64)
		switch {
		case k.duration == nil:
			items = append(items, k.name+"="+p)
		case k.chance == nil:
			items = append(items, k.name+"="+duration.String())
		default:
			items = append(items, k.name+"="+p+":"+duration.String())
		}
	}
	return strings.Join(items, ",")
}

// FaultNames returns the names that [ParseFaults] knows, in the order of their list.
func FaultNames() []string {
	names := make([]string, len(faults))
	for i, k := range faults {
		names[i] = k.name
	}
	return names
}

func (f *Faults) parse(list string) error {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	var seen []string
	for item := range strings.SplitSeq(list, ",") {
		name, value, valued := strings.Cut(strings.TrimSpace(item), "=")
		i := slices.IndexFunc(faults, func(k fault) bool { return k.name == name })
		switch {
		case name == "":
			return fmt.Errorf("a fault without a name in %s", quote(list))
		case i < 0:
			return fmt.Errorf("unknown fault %s: it is one of %s", quote(name), strings.Join(FaultNames(), ", "))
		case slices.Contains(seen, name):
			return fmt.Errorf("fault %s is listed twice", name)
		}
		seen = append(seen, name)
		if err := faults[i].parse(f, value, valued); err != nil {
			return fmt.Errorf("fault %s: %w", name, err)
		}
	}
	return nil
}

// parse reads what stands behind the name: P, DURATION or P:DURATION.
func (k fault) parse(f *Faults, value string, valued bool) error {
	if k.chance == nil {
		if !valued {
			return fmt.Errorf("how long? Write %s=500ms", k.name)
		}
		return parseDuration(k.duration(f), value)
	}
	p, d, timed := strings.Cut(value, ":")
	switch {
	case k.duration != nil && !timed:
		return fmt.Errorf("how long? Write %s=0.1:2s for one request in ten, two seconds each", k.name)
	case k.duration == nil && timed:
		return fmt.Errorf("it takes no duration, and %s has one", quote(value))
	case k.duration != nil:
		if err := parseDuration(k.duration(f), d); err != nil {
			return err
		}
	case !valued:
		p = "1"
	}
	chance, err := strconv.ParseFloat(p, 64)
	if err != nil {
		return fmt.Errorf("%s is not a probability: it must be a number from 0 to 1", quote(p))
	}
	if err := checkChance(chance); err != nil {
		return err
	}
	*k.chance(f) = chance
	return nil
}

func parseDuration(to *time.Duration, s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%s is not a duration: write it like 500ms or 2s", quote(s))
	}
	if err := checkDuration(d); err != nil {
		return err
	}
	*to = d
	return nil
}

func checkChance(p float64) error {
	if math.IsNaN(p) || p < 0 || p > 1 {
		return fmt.Errorf("%v is not a probability: it must be from 0 to 1", p)
	}
	return nil
}

func checkDuration(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("the duration %v is negative", d)
	}
	return nil
}

// validate checks faults that did not come from a list.
func (f Faults) validate() error {
	for _, k := range faults {
		var err error
		if k.chance != nil {
			err = checkChance(*k.chance(&f))
		}
		if err == nil && k.duration != nil {
			err = checkDuration(*k.duration(&f))
		}
		if err != nil {
			return fmt.Errorf("fault %s: %w", k.name, err)
		}
	}
	return nil
}
