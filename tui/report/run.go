package report

import (
	"encoding/json"
	"errors"

	"rpcscope/amqprpc/ledger"
)

// A RunConfig is the configuration of a run. Its JSON is part of the summary and of the header lines of recordings.
type RunConfig struct {
	Queue       string  `json:"queue"`
	Concurrency int     `json:"concurrency"` // closed loop
	Rate        float64 `json:"rate"`        // calls per second; 0 in a closed loop
	Fib         string  `json:"fib"`         // "30" or "20-35"; for another service the range of {n}, if any
	TimeoutMS   int64   `json:"timeout_ms"`
	Seed        uint64  `json:"seed"`

	// Body is the template of the requests to another service, and nil for fib. Expect is a regular expression that
	// right answers match.
	Body   *string `json:"body,omitempty"`
	Expect string  `json:"expect,omitempty"`
}

// Custom returns the template of the requests to another service; ok is false for fib.
func (c *RunConfig) Custom() (template string, ok bool) {
	if c.Body == nil {
		return "", false
	}
	return *c.Body, true
}

// Header returns the header line of the recording of a run.
func Header(by string, cfg RunConfig) ledger.HeaderLine {
	line, _ := marshal(cfg) // fails for no rate but NaN and Inf
	return ledger.HeaderLine{By: by, Config: line}
}

// ConfigOf returns the config in the header line of a recording. The error is a
// *[ledger.RecordingError].
func ConfigOf(header ledger.HeaderLine) (cfg RunConfig, err error) {
	if len(header.Config) == 0 {
		return cfg, nil
	}
	if err := json.Unmarshal(header.Config, &cfg); err != nil {
		return cfg, &ledger.RecordingError{Line: 1, Err: errors.Join(ledger.ErrSyntax, err)}
	}
	return cfg, nil
}

// A RunSummary is a run as one JSON object. Its keys are an API. All are always there, except those of another
// service.
type RunSummary struct {
	Calls          ledger.Calls    `json:"calls"`
	Failures       ledger.Failures `json:"failures"`
	Replies        ledger.Replies  `json:"replies"`
	Throughput     float64         `json:"throughput_per_s"` // completed calls
	ElapsedSeconds float64         `json:"elapsed_s"`
	Response       Percentiles     `json:"response_ms"`
	Service        Percentiles     `json:"service_ms"`
	Servers        []ServerSummary `json:"servers"`
	Broker         BrokerInfo      `json:"broker"`
	Config         RunConfig       `json:"config"`
}

// Percentiles are times in ms.
type Percentiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

// A ServerSummary is one server's part. Servers that the ledger has no room for are the last one, "others".
type ServerSummary struct {
	Name    string  `json:"name"`
	Replies uint64  `json:"replies"`
	Share   float64 `json:"share"` // of all replies, 0 to 1
}

// BrokerInfo is the broker's own name and version.
type BrokerInfo struct {
	Product string `json:"product"`
	Version string `json:"version"`
}

func percentiles(l ledger.Latency) Percentiles {
	return Percentiles{P50: l.P50, P90: l.P90, P99: l.P99, P999: l.P999, Max: l.Max, Mean: l.Mean}
}

// Summarize sums up a run.
func Summarize(s *ledger.Snapshot, cfg RunConfig) RunSummary {
	sum := RunSummary{
		Calls: s.Calls, Failures: s.Failures, Replies: s.Replies,
		Throughput: s.Throughput, ElapsedSeconds: s.Elapsed.Seconds(),
		Response: percentiles(s.Response), Service: percentiles(s.Service),
		Servers: make([]ServerSummary, len(s.Servers)),
		Broker:  BrokerInfo{Product: s.Connection.Info.Product, Version: s.Connection.Info.Version},
		Config:  cfg,
	}
	for i, v := range s.Servers {
		sum.Servers[i] = ServerSummary{Name: v.Name, Replies: v.Replies, Share: v.Share}
		if v.Others {
			sum.Servers[i].Name = "others"
		}
	}
	return sum
}
