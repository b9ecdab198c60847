//go:build !unix

package pool

import "time"

func work(time.Duration) {}
