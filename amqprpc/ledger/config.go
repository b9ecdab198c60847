package ledger

// The bounds of one message in a recording and in any ledger.
const (
	MaxBodyBytes   = 4096
	MaxHeaderBytes = 8192
)

// The bounds of other strings, in bytes.
const (
	maxShort = 255  // AMQP short strings (AMQP 0-9-1, 4.2.5.3); events may hold longer ones
	maxText  = 1024 // Event.Text
)

// A Config bounds a [Ledger]. Zero means the default, a negative number none.
type Config struct {
	// Completed and Failed are the numbers of ended calls to remember; the defaults are 4096 and
	// 1024. They are separate so that completed calls do not push out failed ones.
	Completed, Failed int
	// Duplicates and Orphans are the numbers of discarded replies to remember; the default is 512
	// each.
	Duplicates, Orphans int

	// StoryEvents and StoryBytes bound the story of one call; the defaults are 64 and 16 KiB.
	// Further events are only counted.
	StoryEvents, StoryBytes int
	// BodyBytes is how much of a body is kept, 1024 by default and at most [MaxBodyBytes]. The
	// length of the body is always kept.
	BodyBytes int
	// HeaderBytes is how much of a message's headers is kept as text, 4096 by default and at most
	// [MaxHeaderBytes]. Their number is always kept.
	HeaderBytes int

	// Servers is the number of servers with a line of their own, 64 by default. Those with the
	// fewest replies share the last line.
	Servers int
	// Seconds is how far back the rates go, 900 by default.
	Seconds int
	// Connection is the number of events of the connection to keep, 128 by default.
	Connection int
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field         *int
		def, min, max int
	}{
		{&c.Completed, 4096, 0, 1 << 24},
		{&c.Failed, 1024, 0, 1 << 24},
		{&c.Duplicates, 512, 0, 1 << 20},
		{&c.Orphans, 512, 0, 1 << 20},
		{&c.StoryEvents, 64, 1, 1 << 16},
		{&c.StoryBytes, 16 << 10, 1024, 1 << 24},
		{&c.BodyBytes, 1024, 0, MaxBodyBytes},
		{&c.HeaderBytes, 4096, 0, MaxHeaderBytes},
		{&c.Servers, 64, 1, 1 << 12},
		{&c.Seconds, 900, 1, 1 << 17},
		{&c.Connection, 128, 0, 1 << 14},
	} {
		if *f.field == 0 {
			*f.field = f.def
		}
		*f.field = min(max(*f.field, f.min), f.max)
	}
	return c
}

// maxEvent is the size of the largest stored event.
func (c Config) maxEvent() int { return storyReserve + c.HeaderBytes + c.BodyBytes }
