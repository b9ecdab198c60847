//go:build !linux

package pool

func parent() {}
