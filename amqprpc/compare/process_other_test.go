//go:build !linux

package compare

import (
	"syscall"
	"time"
)

func cpuOf(int) time.Duration { return 0 } // unknown

func endsWithParent() *syscall.SysProcAttr { return nil }
