package pool

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// Host returns this machine's name up to the first dot, at most 32 bytes, for use in a server's
// name.
var Host = sync.OnceValue(func() string {
	name, _ := os.Hostname()
	name, _, _ = strings.Cut(name, ".")
	return name[:min(len(name), 32)]
})

// nameSuffix makes the names that this program gives unique among programs.
var nameSuffix = sync.OnceValue(func() string { return fmt.Sprintf(".%d@%s", os.Getpid(), Host()) })

// ShortNames returns text with the names of this program's servers shortened, as in fib-1.
func ShortNames(text string) string { return strings.ReplaceAll(text, nameSuffix(), "") }
