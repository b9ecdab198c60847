package pool

import (
	"os"
	"strconv"
)

// RestartsEnv is the environment variable by which a process learns how many there
// have been before it under the same name. A server that decides by a seed should let
// this number have a say in it: else it would do after each restart what it did
// after the one before, and crash at the same request for ever.
const RestartsEnv = "SERVER_RESTARTS"

// Restarts is what [RestartsEnv] says in this process; 0 where no pool has started it.
func Restarts() int64 {
	n, err := strconv.ParseInt(os.Getenv(RestartsEnv), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
