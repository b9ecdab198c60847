//go:build unix

package rabbitmq

import (
	"context"
	"testing"
)

// What one boot costs, port mapper and folder included; Close is not counted.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		n, err := Start(context.Background(), Config{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// What one rabbitmqctl costs.
func BenchmarkCtl(b *testing.B) {
	n := Own(b, Config{})
	for b.Loop() {
		if _, err := n.Ctl(b.Context(), "list_queues"); err != nil {
			b.Fatal(err)
		}
	}
}
