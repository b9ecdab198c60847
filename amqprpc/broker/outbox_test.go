package broker

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"
)

func append1(b byte) func([]byte) []byte { return func(out []byte) []byte { return append(out, b) } }

func appendN(n int) func([]byte) []byte {
	return func(out []byte) []byte { return append(out, make([]byte, n)...) }
}

// pipe runs an outbox on one end of a pipe, on which each write waits for a read.
func pipe(t *testing.T, o *outbox, before, drained func()) (far net.Conn, ended <-chan error) {
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- o.run(near, before, drained) }()
	t.Cleanup(func() {
		o.abort()
		near.Close()
		far.Close()
	})
	return far, done
}

func nothing() {}

func TestOutboxOrder(t *testing.T) {
	o := newOutbox()
	far, ended := pipe(t, o, nothing, nothing)
	const n = 10_000
	go func() {
		for i := range n {
			o.add(append1(byte(i)))
			o.signal()
		}
		o.close()
	}()
	var got []byte
	buf := make([]byte, outboxFull)
	reads := 0
	for len(got) < n {
		k, err := far.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		reads++
		got = append(got, buf[:k]...)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for i, b := range got {
		if b != byte(i) {
			t.Fatalf("octet %d is %d", i, b)
		}
	}
	o.add(append1(1))
	if len(o.buf) != 0 {
		t.Error("a closed outbox takes more")
	}
	t.Logf("%d writes for %d additions", reads, n)
}

// A full outbox makes awaitRoom wait until it is written, and run call drained.
func TestOutboxFull(t *testing.T) {
	o := newOutbox()
	o.add(appendN(outboxFull - 1))
	if o.full() {
		t.Error("full before it is")
	}
	o.awaitRoom()
	o.add(appendN(1))
	if !o.full() {
		t.Error("not full")
	}
	room := make(chan struct{})
	go func() { o.awaitRoom(); close(room) }()
	drained := make(chan struct{}, 1)
	far, _ := pipe(t, o, nothing, func() { drained <- struct{}{} })
	select {
	case <-drained:
		t.Error("drained before it was read")
	case <-room:
	}
	if _, err := far.Read(make([]byte, outboxFull)); err != nil {
		t.Fatal(err)
	}
	<-drained
	if o.full() {
		t.Error("still full")
	}
	if o.spare != nil {
		t.Errorf("a buffer of %d bytes is kept", cap(o.spare))
	}
}

// The end of the connection wakes the reader and the writer, and frees the memory.
func TestOutboxAbort(t *testing.T) {
	for name, end := range map[string]func(o *outbox, far net.Conn){
		"aborted":       func(o *outbox, _ net.Conn) { o.abort() },
		"peer has gone": func(o *outbox, far net.Conn) { far.Close() },
	} {
		o := newOutbox()
		o.add(appendN(outboxFull)) // nobody reads
		inWrite := make(chan struct{})
		var once sync.Once
		far, ended := pipe(t, o, func() { once.Do(func() { close(inWrite) }) }, nothing)
		<-inWrite
		o.add(appendN(outboxFull))
		end(o, far)
		o.awaitRoom()
		if name == "aborted" {
			far.Close() // as the connection does
		}
		<-ended
		o.add(appendN(1))
		if len(o.buf) != 0 || o.full() {
			t.Errorf("%s: an aborted outbox holds %d bytes", name, len(o.buf))
		}
	}
}

// run waits for before.
func TestOutboxWaitsForGate(t *testing.T) {
	var g gate
	g.close()
	o := newOutbox()
	far, _ := pipe(t, o, g.wait, nothing)
	o.add(append1('1'))
	o.signal()
	_ = far.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := far.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("written while the gate is closed")
	}
	o.add(append1('2'))
	g.open()
	_ = far.SetReadDeadline(time.Now().Add(20 * time.Second))
	got := make([]byte, 2)
	if n, err := far.Read(got); err != nil || !bytes.Equal(got[:n], []byte("12")) {
		t.Errorf("%q, %v", got[:n], err)
	}
}

// Every waiter goes on if the gate opens, even if it closes again at once.
func TestGate(t *testing.T) {
	var g gate
	g.wait()
	g.open() // does nothing
	g.close()
	g.close()
	var through sync.WaitGroup
	for range 50 {
		through.Go(g.wait)
	}
	passed := make(chan struct{})
	go func() { through.Wait(); close(passed) }()
	select {
	case <-passed:
		t.Fatal("wait returned while the gate is closed")
	case <-time.After(10 * time.Millisecond): // there is no event to wait for
	}
	for range 1000 {
		g.open()
		g.close()
	}
	g.open()
	<-passed
}
