//go:build !unix

package rabbitmq

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

const (
	sigTerm   = syscall.SIGTERM
	sigKill   = syscall.SIGKILL
	sigFreeze = syscall.Signal(-1)
	sigThaw   = syscall.Signal(-1)
)

// supported returns an error if this system cannot run nodes.
func supported() error {
	return fmt.Errorf("a private RabbitMQ node on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func groupAttr() *syscall.SysProcAttr { return nil }

func (p *process) signal(syscall.Signal) error { return errors.ErrUnsupported }

func (p *process) stopped() error { return errors.ErrUnsupported }
