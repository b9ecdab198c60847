package wire

import (
	"strings"
	"testing"
)

// FuzzForgedReplyTo checks that only addresses that RabbitMQ can have made pass.
func FuzzForgedReplyTo(f *testing.F) {
	f.Add("amq.gen-x")
	f.Add("amq.rabbitmq.reply-to.g2dkABByZXBseUA=.x")
	f.Add("amq.rabbitmq.reply-to.g1h3B3JlcGx5QDExMjM0NTY3ODkwMTI=.cHodwjKBoOyU2p66Wuu98Q==")
	f.Add("amq.rabbitmq.reply-to.g1h2AAdyZXBseUAxMTIzNDU2Nzg5MDEy.")
	f.Add("amq.rabbitmq.reply-to.g1h3B3JlcGx5QDA0000000000000000=")
	f.Fuzz(func(t *testing.T, to string) {
		forged := ForgedReplyTo(to)
		rest, direct := strings.CutPrefix(to, "amq.rabbitmq.reply-to.")
		if !direct {
			if forged {
				t.Errorf("%q is a queue's name", to)
			}
			return
		}
		if process, _, ok := strings.Cut(rest, "."); !forged && (!ok || len(process) < 28 || !strings.HasPrefix(process, "g1h")) {
			t.Errorf("%q passes", to)
		}
	})
}
