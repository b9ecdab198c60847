package ledger

// A RunConfig is what a run was asked to do.
type RunConfig struct {
	Queue       string  `json:"queue"`
	Concurrency int     `json:"concurrency"` // closed loop
	Rate        float64 `json:"rate"`        // calls per second; 0 in a closed loop
	Fib         string  `json:"fib"`         // "30" or "20-35"; of other services the range of {n}, if any
	TimeoutMS   int64   `json:"timeout_ms"`
	Seed        uint64  `json:"seed"`

	// Of a service that is not fib's: the template of the requests' bodies, and the
	// regular expression that right answers match. Body is nil where it is fib that is
	// asked for: "" is a body.
	Body   *string `json:"body,omitempty"`
	Expect string  `json:"expect,omitempty"`
}

// Custom returns the template of the bodies, where it is not fib that is asked for.
func (c *RunConfig) Custom() (template string, ok bool) {
	if c.Body == nil {
		return "", false
	}
	return *c.Body, true
}

// A Summary is a run in one JSON object. Its keys are an API: all are always there, save
// those of a service that is not fib's.
type Summary struct {
	Calls          Calls           `json:"calls"`
	Failures       Failures        `json:"failures"`
	Replies        Replies         `json:"replies"`
	Throughput     float64         `json:"throughput_per_s"` // completed calls
	ElapsedSeconds float64         `json:"elapsed_s"`
	Response       Percentiles     `json:"response_ms"`
	Service        Percentiles     `json:"service_ms"`
	Servers        []ServerSummary `json:"servers"`
	Broker         Broker          `json:"broker"`
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

// A ServerSummary is one server's part. Servers that [Config].Servers has no room for
// come last, as "others".
type ServerSummary struct {
	Name    string  `json:"name"`
	Replies uint64  `json:"replies"`
	Share   float64 `json:"share"` // of all replies, 0 to 1
}

// Broker is what the broker calls itself.
type Broker struct {
	Product string `json:"product"`
	Version string `json:"version"`
}

// Percentiles returns the part of l that a [Summary] has.
func (l Latency) Percentiles() Percentiles {
	return Percentiles{P50: l.P50, P90: l.P90, P99: l.P99, P999: l.P999, Max: l.Max, Mean: l.Mean}
}

// Summary sums up a run that was asked for by cfg.
func (s *Snapshot) Summary(cfg RunConfig) Summary {
	sum := Summary{
		Calls: s.Calls, Failures: s.Failures, Replies: s.Replies,
		Throughput: s.Throughput, ElapsedSeconds: s.Elapsed.Seconds(),
		Response: s.Response.Percentiles(), Service: s.Service.Percentiles(),
		Servers: make([]ServerSummary, len(s.Servers)),
		Broker:  Broker{Product: s.Connection.Info.Product, Version: s.Connection.Info.Version},
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
