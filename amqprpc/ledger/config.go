package ledger

// The most that a recording and any ledger keep of one message.
const (
	MaxBodyBytes   = 4096
	MaxHeaderBytes = 8192
)

// The most that is kept of strings that are no message's body or header.
const (
	maxShort = 255  // AMQP short strings (AMQP 0-9-1, 4.2.5.3); events may hold anything
	maxText  = 1024 // Event.Text
)

// A Config bounds a [Ledger]. A zero field means its default; a negative one, none of it.
type Config struct {
	// Completed and Failed say how many ended calls are remembered; the defaults
	// are 4096 and 1024. They are apart so that completed calls do not push out the
	// failed ones.
	Completed, Failed int
	// Duplicates and Orphans say how many discarded replies are remembered; the
	// default is 512 each.
	Duplicates, Orphans int

	// StoryEvents and StoryBytes bound the story of one call; the defaults are 64
	// and 16 KiB. Further events are counted only.
	StoryEvents, StoryBytes int
	// BodyBytes is how much of a body is kept, 1024 by default and at most
	// [MaxBodyBytes]. Its full length is always kept.
	BodyBytes int
	// HeaderBytes is how much of a message's headers, rendered as text, is kept, 4096
	// by default and at most [MaxHeaderBytes]. Their number is always kept.
	HeaderBytes int

	// Servers is how many servers are told apart, 64 by default. Those with the
	// fewest replies go into one last line.
	Servers int
	// Seconds is how far back the rates go, 900 by default.
	Seconds int
	// Connection is how many events of the connection are kept, 128 by default.
	Connection int
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field    *int
		std, min int
		max      int
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
			*f.field = f.std
		}
		*f.field = min(max(*f.field, f.min), f.max)
	}
	return c
}

// MaxBytes is the most memory, in bytes, that a ledger of this Config holds on to
// with so many calls in flight, however hostile the traffic. Under usual traffic, of
// calls of less than a kilobyte, it is nearer to a twentieth of that.
func (c Config) MaxBytes(inFlight int) int {
	c = c.withDefaults()
	const (
		fixed     = 1 << 20 // two histograms of 180 KB, two spreads, scratch space
		perRecord = 512     // the record, its ID, its slot in the map
		perServer = 1024
		perEvent  = 4096 // a connection's event with its texts
		perSecond = 64
	)
	// Memory is handed out in size classes, up to an eighth more than was asked for.
	// A story's last event may be longer than what is left for it: see record.add.
	story := perRecord + (c.StoryBytes+storyReserve)*9/8
	stray := perRecord + 2*maxShort + c.maxEvent()*9/8
	records := c.Completed + c.Failed + c.Duplicates + c.Orphans + inFlight
	return fixed + records*story + freeRecords*(perRecord+freeBytes) + (c.Duplicates+c.Orphans)*stray +
		c.Servers*perServer + c.Connection*perEvent + c.Seconds*perSecond
}

// storyReserve is the size of the largest event in its stored form, headers and body
// apart.
const storyReserve = eventFixed + maxText + maxShort + nProps*(maxShort+2)

// eventFixed is more than the numbers and lengths in a stored event take: four bytes,
// eight varints and the message's own, at most ten bytes each.
const eventFixed = 192

func (c Config) maxEvent() int { return storyReserve + c.HeaderBytes + c.BodyBytes }
