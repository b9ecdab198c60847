package pool

import (
	"os"
	"strconv"
)

// RestartsEnv is the environment variable that tells a process how often its server has been
// restarted. A server with injected faults has to mix it into its seed: otherwise it would
// crash at the same request after each restart.
const RestartsEnv = "SERVER_RESTARTS"

// Restarts returns the value of [RestartsEnv], or 0 if no pool has started this process.
func Restarts() int64 {
	n, _ := strconv.ParseInt(os.Getenv(RestartsEnv), 10, 64)
	return n
}
