package amqprpc

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// setIdentity fills in what the broker lists this program as.
func (b *ConnConfig) setIdentity() {
	b.Product = cmp.Or(b.Product, strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"))
	if info, ok := debug.ReadBuildInfo(); ok && b.Version == "" {
		b.Version = info.Main.Version
	}
	b.Version = cmp.Or(b.Version, "(devel)")
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	process := fmt.Sprintf("%s[%d]@%s", b.Product, os.Getpid(), host)
	if b.Name != "" && b.Name != b.Product {
		process += " " + b.Name
	}
	process = strings.ToValidUTF8(process[:min(len(process), maxShortString)], "")
	b.ConnectionName = cmp.Or(b.ConnectionName, process)
	b.ConsumerTag = cmp.Or(b.ConsumerTag, process)
}

// ClientProperties returns what a connection tells the broker about this program, for
// connections that are opened beside those of a [Client] or [Server].
func (b ConnConfig) ClientProperties() amqp.Table {
	b.setIdentity()
	p := amqp.NewConnectionProperties()
	p["product"], p["version"] = b.Product, b.Version
	p.SetClientConnectionName(b.ConnectionName)
	return p
}
