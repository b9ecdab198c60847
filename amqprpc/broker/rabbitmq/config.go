package rabbitmq

import (
	"fmt"
	"strings"
	"time"
)

// A Config configures a node. The zero value is a node without TLS and without plugins.
type Config struct {
	// Conf holds further lines of rabbitmq.conf. They override this package's.
	Conf string

	// TLS adds a TLS listener, if set.
	TLS *TLS

	// Plugins to enable, such as "rabbitmq_management".
	Plugins []string

	// BootTimeout bounds one boot. The default is two minutes.
	BootTimeout time.Duration
}

// TLS names the PEM files of a TLS listener.
type TLS struct {
	CertFile string // the server's certificate
	KeyFile  string // its private key, without a passphrase
	// CAFile makes TLS mutual, if set: a client must present a certificate signed by one of these authorities.
	CAFile string
}

// bootTimeout returns the bound of one boot. A boot takes two seconds on an idle machine, and much longer among other tests.
func (c Config) bootTimeout() time.Duration {
	if c.BootTimeout > 0 {
		return c.BootTimeout
	}
	return 2 * time.Minute
}

// rabbitmqConf returns rabbitmq.conf for the node of this name, which joins the cluster of peers, if any, at its first boot.
func (c Config) rabbitmqConf(name string, p ports, peers []string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line("listeners.tcp.1 = 127.0.0.1:%d", p.amqp)
	line("log.file = false")
	line("log.console = true")
	line("log.console.level = warning")
	line("log.console.use_colors = off")
	// A nearly full disk should not block every publisher.
	line("disk_free_limit.absolute = 1MB")
	if t := c.TLS; t != nil {
		line("listeners.ssl.1 = 127.0.0.1:%d", p.tls)
		line("ssl_options.certfile = %s", t.CertFile)
		line("ssl_options.keyfile = %s", t.KeyFile)
		if t.CAFile != "" {
			line("ssl_options.cacertfile = %s", t.CAFile)
			line("ssl_options.verify = verify_peer")
			line("ssl_options.fail_if_no_peer_cert = true")
		} else {
			line("ssl_options.verify = verify_none")
			line("ssl_options.fail_if_no_peer_cert = false")
		}
	}
	if len(peers) > 0 {
		line("cluster_formation.peer_discovery_backend = classic_config")
		// The list contains the node itself, too.
		for i, peer := range append([]string{name}, peers...) {
			line("cluster_formation.classic_config.nodes.%d = %s", i+1, peer)
		}
	}
	b.WriteString(c.Conf)
	b.WriteByte('\n')
	return b.String()
}

// enabledPlugins returns the file enabled_plugins, an Erlang term.
func (c Config) enabledPlugins() string {
	return "[" + strings.Join(c.Plugins, ",") + "].\n"
}
