package amqprpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// connect opens a link on the first URL that answers. It tries each once, from index *next on. After a success
// *next is the index after it, so that a node that hangs is the last to be tried again. Errors are joined
// [*DialError]s.
func (c *ConnConfig) connect(ctx context.Context, next *int, in link.Handler, prepare func(*link.Link) error) (*link.Link, ConnectionInfo, error) {
	var errs []error
	for i := range c.URLs {
		at := (*next + i) % len(c.URLs)
		l, info, err := c.dial(ctx, c.URLs[at], in, prepare)
		if err == nil {
			*next = at + 1
			return l, info, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, ConnectionInfo{}, errors.Join(errs...)
}

// dial opens a link on one URL, and calls prepare with it.
func (c *ConnConfig) dial(ctx context.Context, url string, in link.Handler, prepare func(*link.Link) error) (*link.Link, ConnectionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, c.DialTimeout)
	defer cancel()
	uri, secure, err := c.parse(url)
	info := ConnectionInfo{url: url, Address: addressOf(uri)}
	if err != nil { // a TLS file that existed before
		return nil, info, &DialError{Address: info.Address, Err: err}
	}
	options := link.Options{URL: url, Address: info.Address, TLS: secure, Heartbeat: c.Heartbeat, Dial: c.Dial, Properties: c.ClientProperties()}
	if secure != nil {
		// TLS belongs below the link, which reads the frames. amqp091-go would put it on top, so it must not see
		// amqps.
		_, rest, _ := strings.Cut(url, ":")
		options.URL = "amqp:" + rest
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

// CheckURL returns an error that wraps [ErrInvalidConfig] if a URL is malformed, or names TLS files that cannot be
// used. The error never quotes the URL, only the names of files.
func CheckURL(url string) error {
	_, _, err := (&ConnConfig{}).parse(url)
	return err
}

// parse checks and parses a URL. The TLS configuration is nil for amqp://.
func (c *ConnConfig) parse(url string) (uri amqp.URI, secure *tls.Config, err error) {
	if uri, err = parseURL(url); err != nil || uri.Scheme != "amqps" {
		return uri, nil, err
	}
	if secure = c.TLS.Clone(); secure == nil {
		if secure, err = loadTLS(uri); err != nil {
			return uri, nil, fmt.Errorf("%w: %w", ErrInvalidConfig, err)
		}
	}
	if secure.ServerName == "" {
		secure.ServerName = uri.Host
	}
	return uri, secure, nil
}

// loadTLS makes a TLS configuration from the parameters of a URL.
func loadTLS(uri amqp.URI) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: uri.ServerName}
	if uri.CACertFile != "" {
		pem, err := os.ReadFile(uri.CACertFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no PEM certificate", uri.CACertFile)
		}
	}
	switch {
	case (uri.CertFile == "") != (uri.KeyFile == ""):
		return nil, errors.New("a TLS certificate and its key must be given together")
	case uri.CertFile != "":
		pair, err := tls.LoadX509KeyPair(uri.CertFile, uri.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("TLS certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
