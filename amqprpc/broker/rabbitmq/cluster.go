package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// A Cluster is a RabbitMQ cluster. Each node can be stopped, killed, frozen and started by itself.
type Cluster struct {
	site  *site
	nodes []*Node
}

// StartCluster starts a cluster of n nodes, at least one, with the same cfg, and returns it when all of them are members. The
// caller must close it.
func StartCluster(ctx context.Context, n int, cfg Config) (*Cluster, error) {
	if n < 1 {
		return nil, fmt.Errorf("start a RabbitMQ cluster: of %d nodes", n)
	}
	s, err := newSite(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start a RabbitMQ cluster: %w", err)
	}
	c := &Cluster{site: s}
	if err := c.start(ctx, n, cfg); err != nil {
		_ = c.Close() // the first error tells more
		return nil, fmt.Errorf("start a RabbitMQ cluster: %w", err)
	}
	return c, nil
}

// start starts the first node and then the others, which join it at their first boot.
func (c *Cluster) start(ctx context.Context, n int, cfg Config) error {
	first, err := c.site.startNode(ctx, cfg, nil)
	if err != nil {
		return err
	}
	c.nodes = append(make([]*Node, 0, n), first)

	others, errs := make([]*Node, n-1), make([]error, n-1)
	var wg sync.WaitGroup
	for i := range others {
		wg.Go(func() { others[i], errs[i] = c.site.startNode(ctx, cfg, []string{first.name}) })
	}
	wg.Wait()
	for _, node := range others {
		if node != nil {
			c.nodes = append(c.nodes, node)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// A node that finds no peer goes on alone.
	_, err = first.Ctl(ctx, "await_online_nodes", strconv.Itoa(n), "--timeout",
		strconv.Itoa(int(cfg.bootTimeout().Seconds())+1))
	return err
}

// Nodes returns the nodes, running or not, in the order of their first start.
func (c *Cluster) Nodes() []*Node { return append([]*Node(nil), c.nodes...) }

// URLs returns the [Node.URL] of each node.
func (c *Cluster) URLs() []string {
	urls := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		urls[i] = n.URL()
	}
	return urls
}

// Close kills the nodes, ends their epmd and removes their folder. It may be called in any state and more than once.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range c.nodes {
		errs = append(errs, n.Close())
	}
	errs = append(errs, c.site.close())
	return errors.Join(errs...)
}
