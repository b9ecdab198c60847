package pool

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// Host returns this machine's name up to its first dot, as far as it is letters, digits and
// hyphens: fit to be part of a server's name.
var Host = sync.OnceValue(func() string {
	name, _ := os.Hostname()
	end := strings.IndexFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end >= 0 {
		name = name[:end]
	}
	const most = 32
	if name = name[:min(len(name), most)]; name == "" {
		return "unknown"
	}
	return name
})

// ending is the end of the names that this process gives: servers of several programs may answer
// one queue.
var ending = sync.OnceValue(func() string { return fmt.Sprintf(".%d@%s", os.Getpid(), Host()) })

// Short returns a text in which the servers of this process have short names, such as fib-1, and
// those of others the names that they have.
func ShortNames(text string) string { return strings.ReplaceAll(text, ending(), "") }
