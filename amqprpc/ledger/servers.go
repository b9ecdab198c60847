package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rpcscope/amqprpc"
)

// A Server counts the replies of one server. Its name is the property app_id of its replies.
type Server struct {
	Name   string // empty for replies without one
	Others bool   // all servers beyond [Config].Servers

	Replies                            uint64
	Answers, Duplicates, Late, Unknown uint64
	Share                              float64   // of all replies, 0 to 1
	Rate                               float64   // replies per second, over the last [Query].Window
	First, Last                        time.Time // reply
}

type server struct {
	name        string
	classes     [nClasses]uint64
	replies     uint64
	first, last int64
	tally       tally
}

// servers has room for a number of names. If there are more, those with the fewest replies are merged
// into others: a flood of made-up names cannot push out a server that does the work.
type servers struct {
	byName map[string]*server
	max    int
	others server
}

func newServers(max int) servers {
	s := servers{max: max}
	s.reset()
	return s
}

func (s *servers) reset() {
	s.byName = make(map[string]*server)
	s.others = server{first: noTime, last: noTime}
}

// reply counts a reply and returns a copy of name.
func (s *servers) reply(name string, class amqprpc.Class, at int64) string {
	v := s.byName[name]
	if v == nil {
		if len(s.byName) >= s.max {
			s.merge()
		}
		v = &server{name: strings.Clone(name), first: at}
		s.byName[v.name] = v
	}
	v.classes[class]++
	v.replies++
	v.last = at
	v.tally.add(at)
	return v.name
}

// merge moves the server with the fewest replies into others. Of several it chooses the one that has
// been silent for longest.
func (s *servers) merge() {
	var fewest *server
	for _, v := range s.byName {
		if fewest == nil || cmp.Or(cmp.Compare(v.replies, fewest.replies), cmp.Compare(v.last, fewest.last),
			cmp.Compare(v.name, fewest.name)) < 0 {
			fewest = v
		}
	}
	o := &s.others
	if o.first == noTime || fewest.first < o.first {
		o.first = fewest.first
	}
	o.last = max(o.last, fewest.last)
	o.replies += fewest.replies
	for c, n := range fewest.classes {
		o.classes[c] += n
	}
	delete(s.byName, fewest.name)
}

// snapshot lists the servers by name, others last. The rates count the seconds [from, end), which are
// worth span seconds.
func (s *servers) snapshot(c *clock, from, end int64, span float64) []Server {
	all := make([]*server, 0, len(s.byName)+1)
	var total uint64
	for _, v := range s.byName {
		all = append(all, v)
		total += v.replies
	}
	slices.SortFunc(all, func(a, b *server) int { return compareNatural(a.name, b.name) })
	if s.others.replies > 0 {
		all = append(all, &s.others)
		total += s.others.replies
	}
	out := make([]Server, len(all))
	for i, v := range all {
		n := repliesByClass(&v.classes)
		out[i] = Server{
			Name: v.name, Others: v == &s.others, Replies: v.replies,
			Answers: n.Answers, Duplicates: n.Duplicates, Late: n.Late, Unknown: n.Unknown,
			Share: float64(v.replies) / float64(total),
			First: c.time(v.first), Last: c.time(v.last),
		}
		if span > 0 && v != &s.others {
			out[i].Rate = float64(v.tally.sum(from, end)) / span
		}
	}
	return out
}

// compareNatural sorts numbers within names by value: fib-2 before fib-10.
func compareNatural(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if !isDigit(rune(a[i])) || !isDigit(rune(b[i])) {
			if a[i] != b[i] {
				return cmp.Compare(a[i], b[i])
			}
			continue
		}
		m, n := countDigits(a[i:]), countDigits(b[i:])
		if m != n {
			return cmp.Compare(m, n)
		}
		if a[i] != b[i] {
			return cmp.Compare(a[i:i+m], b[i:i+n])
		}
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func countDigits(s string) int {
	return len(s) - len(strings.TrimLeftFunc(s, isDigit))
}
