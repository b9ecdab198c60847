package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// Whatever node of a cluster dies, retried calls are all completed, others fail as
// connection_lost at worst, and everybody goes on at a node that lives.
func TestKill(t *testing.T) {
	c := whole(t)
	const queue = "requests"
	declare(t, c.Nodes()[0], queue, "quorum")
	var table strings.Builder
	defer func() { t.Logf("\n%s%s", heading, table.String()) }()
	for _, role := range []string{"clients", "servers", "leader", "all three"} {
		t.Run(role, func(t *testing.T) {
			// Each round has its own clients and servers, for each role to be at a node of its own.
			all := c.Nodes()
			leader := node(t, c, func(n *rabbitmq.Node) bool { return n.Name() == awaitReplicas(t, all[0], queue).Leader })
			for all[2] != leader {
				all = append(all[1:], all[0])
			}
			forClients, forServers := all[0], all[1]
			victim := map[string]*rabbitmq.Node{"clients": forClients, "servers": forServers, "leader": leader, "all three": leader}[role]
			if role == "all three" {
				forClients, forServers = leader, leader
			}
			r := round{cluster: c, queue: queue, victim: victim}
			r.run(t, forClients, forServers)
			for _, line := range r.lines {
				fmt.Fprintf(&table, "%-10s %s\n", role, line)
			}
		})
	}
}

// A round is the death and the return of one node, under load.
type round struct {
	cluster *rabbitmq.Cluster
	queue   string
	victim  *rabbitmq.Node
	lines   []string
}

const heading = "killed     calls                 sent  completed  connection_lost  rejected  retried  redelivered  stall ms  while it rejoins  longest call ms\n"

func (r *round) run(t *testing.T, forClients, forServers *rabbitmq.Node) {
	s := serve(t, amqprpc.Broker{URLs: from(r.cluster, forServers)}, r.queue)
	callers := []*caller{
		call(t, amqprpc.Broker{URLs: from(r.cluster, forClients)}, r.queue, false, patience),
		call(t, amqprpc.Broker{URLs: from(r.cluster, forClients)}, r.queue, true, patience),
	}
	for _, c := range callers {
		c.lull() // how it began does not count
	}
	r.victim.Kill()
	dead := address(t, r.victim)
	for _, c := range callers {
		c.until(t, "the client is at a living node", func() bool { return c.at != "" && c.at != dead }, c.tell)
	}
	s.until(t, "the servers are at living nodes", func() bool { return s.at["server-1"] != dead && s.at["server-2"] != dead }, s.tell)
	for _, c := range callers {
		c.more(t, 200)
	}
	stalls := map[*caller]time.Duration{}
	for _, c := range callers {
		stalls[c] = c.lull()
	}

	if err := r.victim.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	awaitReplicas(t, r.victim, r.queue)
	for _, c := range callers {
		c.more(t, 100)
		books := c.stop(t)
		found := c.outcomes(t, s)
		for outcome, n := range found {
			if c.name == "idempotent" || outcome != amqprpc.ConnectionLost {
				t.Errorf("%s: %d calls ended as %v, such as: %v", c.name, n, outcome, c.failed[0])
			}
		}
		if c.name == "plain" && books.Traffic.Retries != 0 {
			t.Errorf("%d retries that nobody asked for", books.Traffic.Retries)
		}
		redelivered := int64(0)
		for _, server := range s.servers {
			redelivered += server.Stats().Redelivered
		}
		r.lines = append(r.lines, fmt.Sprintf("%-18s %7d  %9d  %15d  %8d  %7d  %11d  %8d  %16d  %15d", c.name,
			books.Calls.Sent, books.Calls.Completed, books.Failures.ConnectionLost, books.Failures.Rejected, books.Traffic.Retries, redelivered,
			stalls[c].Milliseconds(), c.lull().Milliseconds(), c.longest.Milliseconds()))
	}
}

// from returns the URLs of all nodes, that of the first one to try in front.
func from(c *rabbitmq.Cluster, first *rabbitmq.Node) []string {
	urls := []string{first.URL()}
	for _, n := range c.Nodes() {
		if n != first {
			urls = append(urls, n.URL())
		}
	}
	return urls
}

func address(t *testing.T, n *rabbitmq.Node) string {
	t.Helper()
	a, err := amqprpc.Address(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	return a
}
