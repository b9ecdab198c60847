package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults are the errors that a server makes on purpose. Fields without a unit are
// probabilities from 0 to 1. One request may get several faults; [Service.Handle] and
// [Service.Hooks] document their order.
//
// A pointer to Faults is a pflag.Value for --fault LIST.
type Faults struct {
	// CrashBeforeAck: publish the reply, wait for its confirm and AckDelay, then die by SIGKILL.
	// The broker redelivers the request to another server, whose reply is a duplicate.
	CrashBeforeAck float64
	// CrashBeforeReply: compute the reply, then die by SIGKILL.
	CrashBeforeReply float64
	// EarlyAck: ack the request, compute the reply, then die by SIGKILL: the request is lost.
	EarlyAck float64
	// Duplicate: publish the reply twice.
	Duplicate float64
	// Unknown: also publish the reply under a new correlation ID.
	Unknown float64
	// Drop: ack the request without a reply.
	Drop float64
	// Error: answer with INTERNAL "injected error".
	Error float64
	// Panic: panic in the handler.
	Panic float64
	// Slow: sleep for SlowFor before any work, and ignore the deadline.
	Slow    float64
	SlowFor time.Duration
	// AckDelay: sleep between the confirm of each reply and its ack.
	AckDelay time.Duration
}

// A fault is a name in the list and its fields. It has a probability, a duration, or both.
type fault struct {
	name     string
	example  string // if there is a duration
	chance   func(*Faults) *float64
	duration func(*Faults) *time.Duration
}

var faultTable = []fault{
	{name: "crash-before-ack", chance: func(f *Faults) *float64 { return &f.CrashBeforeAck }},
	{name: "crash-before-reply", chance: func(f *Faults) *float64 { return &f.CrashBeforeReply }},
	{name: "early-ack", chance: func(f *Faults) *float64 { return &f.EarlyAck }},
	{name: "duplicate", chance: func(f *Faults) *float64 { return &f.Duplicate }},
	{name: "unknown", chance: func(f *Faults) *float64 { return &f.Unknown }},
	{name: "drop", chance: func(f *Faults) *float64 { return &f.Drop }},
	{name: "error", chance: func(f *Faults) *float64 { return &f.Error }},
	{name: "panic", chance: func(f *Faults) *float64 { return &f.Panic }},
	{name: "slow", example: "slow=0.1:2s", chance: func(f *Faults) *float64 { return &f.Slow }, duration: func(f *Faults) *time.Duration { return &f.SlowFor }},
	{name: "ack-delay", example: "ack-delay=500ms", duration: func(f *Faults) *time.Duration { return &f.AckDelay }},
}

// ParseFaults reads a comma separated list of
//
//	crash-before-ack=P crash-before-reply=P early-ack=P duplicate=P unknown=P drop=P error=P
//	panic=P slow=P:DURATION ack-delay=DURATION
//
// with P from 0 to 1 and DURATION as time.ParseDuration reads it. A name without "=P" means
// P = 1. A fault may be named once.
func ParseFaults(list string) (Faults, error) {
	var f Faults
	err := f.Set(list)
	return f, err
}

// Set implements pflag.Value. Each call adds to the faults; for the same fault the last one counts.
func (f *Faults) Set(list string) error {
	next := *f
	if err := next.parse(list); err != nil {
		return err
	}
	*f = next
	return nil
}

// Type implements pflag.Value.
func (f *Faults) Type() string { return "list" }

// String returns the list that [ParseFaults] reads.
func (f Faults) String() string {
	var items []string
	for _, k := range faultTable {
		var values []string
		if k.chance != nil {
			values = append(values, strconv.FormatFloat(*k.chance(&f), 'g', -1, 64))
		}
		if k.duration != nil {
			values = append(values, k.duration(&f).String())
		}
		if value := strings.Join(values, ":"); value != "0" && value != "0s" && value != "0:0s" {
			items = append(items, k.name+"="+value)
		}
	}
	return strings.Join(items, ",")
}

// FaultNames returns the names that [ParseFaults] accepts.
func FaultNames() []string {
	names := make([]string, len(faultTable))
	for i, k := range faultTable {
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
		name, value, hasValue := strings.Cut(strings.TrimSpace(item), "=")
		i := slices.IndexFunc(faultTable, func(k fault) bool { return k.name == name })
		switch {
		case name == "":
			return fmt.Errorf("a fault without a name in %s", quote(list))
		case i < 0:
			return fmt.Errorf("unknown fault %s: it is one of %s", quote(name), strings.Join(FaultNames(), ", "))
		case slices.Contains(seen, name):
			return fmt.Errorf("fault %s is listed twice", name)
		}
		seen = append(seen, name)
		if err := faultTable[i].parse(f, value, hasValue); err != nil {
			return fmt.Errorf("fault %s: %w", name, err)
		}
	}
	return nil
}

// parse reads the value of a fault: P, DURATION or P:DURATION.
func (k fault) parse(f *Faults, value string, hasValue bool) error {
	p, d := value, value
	if k.chance != nil && k.duration != nil {
		p, d, _ = strings.Cut(value, ":")
	} else if !hasValue {
		p = "1"
	}
	if k.duration != nil {
		var err error
		if *k.duration(f), err = time.ParseDuration(d); err != nil || *k.duration(f) < 0 {
			return fmt.Errorf("%s is not a duration: write it like %s", quote(d), k.example)
		}
	}
	if k.chance != nil {
		x, err := strconv.ParseFloat(p, 64)
		if err != nil || !(x >= 0 && x <= 1) {
			return fmt.Errorf("%s is not a probability: it must be a number from 0 to 1", quote(p))
		}
		*k.chance(f) = x
	}
	return nil
}
