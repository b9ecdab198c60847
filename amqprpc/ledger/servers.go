package ledger

import (
	"cmp"
	"slices"
	"time"

	"rpcscope/amqprpc"
)

// A Server is what one server has replied, by the name that its replies bear in
// the property app_id.
type Server struct {
	Name   string // empty for replies that bear none
	Others bool   // not one server: all those that [Config].Servers has no room for

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

// servers has room for a number of names. One more makes those with the fewest
// replies give way, into others: a flood of made-up names cannot push out a server
// that does the work.
type servers struct {
	byName map[string]*server
	most   int
	others server
}

func newServers(most int) servers {
	s := servers{most: most}
	s.reset()
	return s
}

func (s *servers) reset() {
	s.byName = make(map[string]*server)
	s.others = server{first: noTime, last: noTime}
}

// reply counts a reply and returns the server's name as a string.
func (s *servers) reply(name []byte, class amqprpc.Class, at int64) string {
	v := s.byName[string(name)]
	if v == nil {
		if len(s.byName) >= s.most {
			s.giveWay()
		}
		v = &server{name: string(name), first: at}
		s.byName[v.name] = v
	}
	v.classes[class]++
	v.replies++
	v.last = at
	v.tally.add(at)
	return v.name
}

// giveWay moves the server with the fewest replies, of those the one that has been
// silent for longest, into others.
func (s *servers) giveWay() {
	var least *server
	for _, v := range s.byName {
		if least == nil || cmp.Or(cmp.Compare(v.replies, least.replies), cmp.Compare(v.last, least.last),
			cmp.Compare(v.name, least.name)) < 0 {
			least = v
		}
	}
	o := &s.others
	if o.first == noTime || least.first < o.first {
		o.first = least.first
	}
	o.last = max(o.last, least.last)
	o.replies += least.replies
	for c, n := range least.classes {
		o.classes[c] += n
	}
	delete(s.byName, least.name)
}

// snapshot lists them by name, others last. Rates are over [from, end) seconds,
// which are worth span.
func (s *servers) snapshot(c *clock, from, end int64, span float64) []Server {
	all := make([]*server, 0, len(s.byName)+1)
	var total uint64
	for _, v := range s.byName {
		all = append(all, v)
		total += v.replies
	}
	slices.SortFunc(all, func(a, b *server) int { return naturally(a.name, b.name) })
	if s.others.replies > 0 {
		all = append(all, &s.others)
		total += s.others.replies
	}
	out := make([]Server, len(all))
	for i, v := range all {
		out[i] = Server{
			Name: v.name, Others: v == &s.others, Replies: v.replies,
			Answers: v.classes[amqprpc.Answer], Duplicates: v.classes[amqprpc.Duplicate],
			Late: v.classes[amqprpc.Late], Unknown: v.classes[amqprpc.Unknown],
			Share: float64(v.replies) / float64(total),
			First: c.time(v.first), Last: c.time(v.last),
		}
		if span > 0 && v != &s.others {
			out[i].Rate = float64(v.tally.sum(from, end)) / span
		}
	}
	return out
}

// naturally compares as people count: fib-2 before fib-10.
func naturally(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if !digit(a[i]) || !digit(b[i]) {
			if a[i] != b[i] {
				return cmp.Compare(a[i], b[i])
			}
			continue
		}
		m, n := digits(a[i:]), digits(b[i:])
		if m != n {
			return cmp.Compare(m, n)
		}
		if a[i] != b[i] {
			return cmp.Compare(a[i:i+m], b[i:i+n])
		}
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func digits(s string) (n int) {
	for n < len(s) && digit(s[n]) {
		n++
	}
	return n
}
