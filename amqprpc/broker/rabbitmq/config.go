package rabbitmq

import (
	"fmt"
	"strings"
	"time"
)

// A Config says what node to run. The zero value is a plain node of the installed
// RabbitMQ, without TLS and without plugins.
type Config struct {
	// Conf holds further lines of rabbitmq.conf. They come last and so win over
	// this package's own.
	Conf string

	// TLS, where set, adds a TLS listener.
	TLS *TLS

	// Plugins to enable, such as "rabbitmq_management".
	Plugins []string

	// Home is the folder of another installation to use: one unpacked from a
	// generic Unix archive (it holds sbin), or a package's lib/rabbitmq (it holds
	// bin). Empty: $RABBITMQ_HOME, else the one on the PATH, else wherever packages
	// put it.
	Home string

	// Erlang is the folder that holds the erl and epmd to use. Empty: those on the PATH.
	// Another RabbitMQ often needs another Erlang.
	Erlang string

	// BootTimeout bounds one boot. 0 means two minutes.
	BootTimeout time.Duration
}

// TLS names the PEM files of a TLS listener.
type TLS struct {
	CertFile string // the server's certificate
	KeyFile  string // its private key, without a passphrase
	// CAFile, where set, makes TLS mutual: a client must present a certificate
	// signed by one of these authorities.
	CAFile string
}

// bootTimeout is generous: a boot takes two seconds on an idle machine, and some
// multiple of that when a dozen other nodes do so and other packages are tested at the same time.
func (c Config) bootTimeout() time.Duration {
	if c.BootTimeout > 0 {
		return c.BootTimeout
	}
	return 2 * time.Minute
}

// rabbitmqConf renders rabbitmq.conf for the node of this name. peers, where given, are
// the nodes of the cluster that it joins at its first boot.
func (c Config) rabbitmqConf(name string, p ports, peers []string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line("listeners.tcp.1 = 127.0.0.1:%d", p.amqp)
	line("log.file = false")
	line("log.console = true")
	line("log.console.level = warning")
	line("log.console.use_colors = off")
	// A nearly full disk should fail what needs the space, not block every publisher.
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
		// The node itself is expected in the list too.
		for i, peer := range append([]string{name}, peers...) {
			line("cluster_formation.classic_config.nodes.%d = %s", i+1, peer)
		}
	}
	b.WriteString(c.Conf)
	b.WriteByte('\n')
	return b.String()
}

// enabledPlugins renders the enabled_plugins file, an Erlang term.
func (c Config) enabledPlugins() string {
	return "[" + strings.Join(c.Plugins, ",") + "].\n"
}
