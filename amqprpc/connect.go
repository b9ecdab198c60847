package amqprpc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// connect opens a link on the first URL that answers. It tries each once, from *turn on. After a
// success *turn is the URL after it, so that a node that hangs is the last to be tried again.
// Errors are joined [*DialError]s.
func (c *ConnConfig) connect(ctx context.Context, turn *int, in link.Handler, prepare func(*link.Link) error) (*link.Link, ConnectionInfo, error) {
	var errs []error
	for i := range c.URLs {
		at := (*turn + i) % len(c.URLs)
		l, info, err := c.dial(ctx, c.URLs[at], in, prepare)
		if err == nil {
			*turn = at + 1
			return l, info, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, ConnectionInfo{}, errors.Join(errs...)
}

// dial opens a link on one URL. prepare is called with it.

func (c *ConnConfig) dial(ctx context.Context, url string, in link.Handler, prepare func(*link.Link) error) (*link.Link, ConnectionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	uri, err := parseURL(url)
	if err != nil {
		return nil, ConnectionInfo{}, err
	}
	info := ConnectionInfo{url: url, Address: net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))}
	options := link.Options{URL: url, Address: info.Address, Heartbeat: c.Heartbeat, Dial: c.Dial, Properties: c.ClientProperties()}
	if uri.Scheme == "amqps" {
		// TLS belongs below the link, which looks at frames. amqp091-go would put it on top, so it is told
		// that there is none.
		_, rest, _ := strings.Cut(url, ":")
		options.URL = "amqp:" + rest
		if options.TLS, err = c.tls(uri); err != nil {
			return nil, info, &DialError{Address: info.Address, Err: err}
		}
	}
	connected := false
	l, err := link.Dial(ctx, options, in, func(l *link.Link) error {
		connected = true
		properties := l.ServerProperties()
		info.Product, _ = properties["product"].(string)
		info.Version, _ = properties["version"].(string)
		return prepare(l)
	})
	if err != nil {
		return nil, info, &DialError{Address: info.Address, Err: withPermission(err, ""), Connected: connected && ctx.Err() == nil}
	}
	return l, info, nil
}

// tls returns the TLS configuration of an amqps:// URL.
func (c *ConnConfig) tls(uri amqp.URI) (*tls.Config, error) {
	cfg := c.TLS
	if cfg == nil {
		var err error
		if cfg, err = LoadTLS(uri.CACertFile, uri.CertFile, uri.KeyFile, uri.ServerName); err != nil {
			return nil, err
		}
	}
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = uri.Host
	}
	return cfg, nil
}
