package wire

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// ForgedReplyTo reports whether a direct reply-to address was not made by RabbitMQ. RabbitMQ 3.10 closes the
// connection of a publisher to such an address, and would do so again when the request is redelivered. An
// address is prefix, process, dot, key; process and key in base64. The process is an Erlang pid: the name of
// its node, which is "reply@number", as an atom with a length of one or two bytes, and 12 more bytes.
func ForgedReplyTo(to string) bool {
	rest, direct := strings.CutPrefix(to, DirectReplyTo+".")
	if !direct {
		return false
	}
	process, key, hasKey := strings.Cut(rest, ".")
	pid, err := base64.StdEncoding.DecodeString(process)
	_, keyErr := base64.StdEncoding.DecodeString(key)
	if !hasKey || err != nil || keyErr != nil {
		return true
	}
	name := string(pid[:max(0, len(pid)-12)])
	at := max(0, strings.Index(name, "reply@"))
	head, node := name[:at], name[at:]
	if _, err := strconv.ParseUint(strings.TrimPrefix(node, "reply@"), 10, 64); err != nil || len(node) > 255 {
		return true
	}
	length := string([]byte{byte(len(node))})
	return head != "\x83Xw"+length && head != "\x83Xv\x00"+length
}
