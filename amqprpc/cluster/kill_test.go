package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// If any node of a cluster dies, retried calls are all completed, others fail as connection_lost at worst, and clients
// and servers go on at another node while it is dead.
//
// If the death of one node takes the client's connection and the queue's leader, RabbitMQ 3.10 may nack everything on
// the new connection: then calls are rejected too, until the client reconnects, and none after that.
func TestCallsSurviveKilledNodes(t *testing.T) {
	c := allNodesUp(t)
	const queue = "requests"
	declare(t, c.Nodes()[0], queue, "quorum")
	var table strings.Builder
	defer func() { t.Logf("\n%s%s", heading, table.String()) }()
	for _, role := range []string{"clients", "servers", "leader", "all three"} {
		t.Run(role, func(t *testing.T) {
			// Each round has its own clients and servers, for each role to be at a node of its own.
			nodes := c.Nodes()
			leads := awaitReplicas(t, nodes[0], queue).Leader
			at := slices.IndexFunc(nodes, func(n *rabbitmq.Node) bool { return n.Name() == leads })
			if at < 0 {
				t.Fatalf("%s leads the queue, which is none of our nodes", leads)
			}
			leader, forClients, forServers := nodes[at], nodes[(at+1)%len(nodes)], nodes[(at+2)%len(nodes)]
			r := round{cluster: c, queue: queue, table: &table, killed: role}
			switch role {
			case "clients":
				r.victim = forClients
			case "servers":
				r.victim = forServers
			case "leader":
				r.victim = leader
			case "all three":
				r.victim, forClients, forServers = leader, leader, leader
			}
			r.run(t, forClients, forServers)
		})
	}
}

const heading = "killed     calls            sent  completed  connection_lost  rejected  retried  connections  redelivered  longest stall  while it rejoins  longest call\n"

// A round is the death and the return of one node, under load.
type round struct {
	cluster *rabbitmq.Cluster
	queue   string
	killed  string // the roles of the node
	victim  *rabbitmq.Node
	table   *strings.Builder
}

func (r *round) run(t *testing.T, forClients, forServers *rabbitmq.Node) {
	s := serve(t, amqprpc.ConnConfig{URLs: from(r.cluster, forServers)}, r.queue)
	clients := amqprpc.ConnConfig{URLs: from(r.cluster, forClients)}
	like := amqprpc.Request{Persistent: *persistent, Timeout: deadline}
	plain := call(t, clients, r.queue, like)
	like.Idempotent = true
	callers := []*caller{plain, call(t, clients, r.queue, like)}
	for _, c := range callers {
		if c.at != address(t, forClients) {
			t.Errorf("%s, which is not the first of its URLs", c.describe())
		}
		c.longestPause() // the pause at the start does not count
	}

	dead := address(t, r.victim)
	r.victim.Kill()
	for _, c := range callers {
		c.awaitMove(t, dead)
	}
	s.awaitMoveOfAll(t, dead)
	mayReject := r.killed == "all three" // see TestCallsSurviveKilledNodes
	rejected := map[*caller]int{}
	for _, c := range callers {
		c.more(t, 100)
		rejected[c] = c.rejected()
	}
	r.addClientAndServer(t, dead)
	stalls := map[*caller]time.Duration{}
	for _, c := range callers {
		stalls[c] = c.longestPause()
	}

	if err := r.victim.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	awaitReplicas(t, r.victim, r.queue)
	for _, c := range callers {
		c.more(t, 100)
		clientRecord := c.stop(t)
		for outcome, n := range c.outcomes(t, s) {
			allowed := outcome == amqprpc.ConnectionLost || mayReject && outcome == amqprpc.Rejected
			if c.idempotent || !allowed {
				t.Errorf("%d calls ended as %v: %s", n, outcome, c.describe())
			}
		}
		if n := c.rejected(); n > rejected[c] {
			t.Errorf("%d calls were rejected after 100 were completed: %s", n-rejected[c], c.describe())
		}
		if !c.idempotent && clientRecord.Traffic.Retries != 0 {
			t.Errorf("%s: %d retries that nobody asked for", c.name, clientRecord.Traffic.Retries)
		}
		fmt.Fprintf(r.table, "%-10s %-11s %9d  %9d  %15d  %8d  %7d  %11d  %11d  %10d ms  %13d ms  %9d ms\n", r.killed, c.name,
			clientRecord.Calls.Sent, clientRecord.Calls.Completed, clientRecord.Failures.ConnectionLost, clientRecord.Failures.Rejected, clientRecord.Traffic.Retries,
			c.epochs, s.redelivered(), stalls[c].Milliseconds(), c.longestPause().Milliseconds(), c.longest.Milliseconds())
	}
}

// addClientAndServer adds a client and a server whose first URL is the dead node's: they begin at the next one.
func (r *round) addClientAndServer(t *testing.T, dead string) {
	t.Helper()
	urls := from(r.cluster, r.victim)
	next := address(t, node(t, r.cluster, urls[1]))
	s := serve(t, amqprpc.ConnConfig{URLs: urls}, r.queue)
	for name, at := range s.at {
		if at != next {
			t.Errorf("%s, whose first URL is dead, began at %s", name, at)
		}
	}
	client, err := amqprpc.Dial(within(t), amqprpc.Config{
		ConnConfig: amqprpc.ConnConfig{URLs: urls}, Queue: r.queue, Retry: amqprpc.Retry{Attempts: -1, Backoff: backoff}, Timeout: testTimeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if info, ok := client.Connection(); !ok || info.Address != next {
		t.Errorf("a client whose first URL is dead began at %+v, %v", info, ok)
	}
}

// from returns the URLs of all nodes, beginning with the first one to try.
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

func node(t *testing.T, c *rabbitmq.Cluster, url string) *rabbitmq.Node {
	t.Helper()
	i := slices.Index(c.URLs(), url)
	if i < 0 {
		t.Fatalf("%s is none of our nodes", url)
	}
	return c.Nodes()[i]
}
