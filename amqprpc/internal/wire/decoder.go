package wire

import "encoding/binary"

// A decoder parses one value after the other. After the first that is cut short or malformed it has
// failed: all further values are zero, and b is empty.
type decoder struct {
	b       []byte // not parsed yet
	reason  string // why it failed
	depth   int    // of the tables and arrays around b
	build   bool   // tables and arrays are returned, not only checked
	bounded bool   // those beyond the bounds of ParseProperties are only checked
}

func (d *decoder) fail(reason string) {
	if d.reason == "" {
		d.reason = reason
	}
	d.b = nil
}

func (d *decoder) failed() bool { return d.reason != "" }

// err returns a syntax error about the subject if the decoder has failed.
func (d *decoder) err(subject string) error {
	if !d.failed() {
		return nil
	}
	return Errorf(SyntaxError, "%s: %s", subject, d.reason)
}

// end returns an error if the fields of a method were malformed or are followed by more.
func (d *decoder) end(class, method uint16) error {
	d.done()
	if !d.failed() {
		return nil
	}
	return Errorf(SyntaxError, "%s: %s", MethodName(class, method), d.reason).about(class, method)
}

// done fails if anything is left.
func (d *decoder) done() {
	if len(d.b) > 0 {
		d.fail("bytes after the last field")
	}
}

// next returns the next n bytes, or nil. They alias the input.
func (d *decoder) next(n int) []byte {
	if n > len(d.b) {
		d.fail("cut short")
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uint8() uint8 {
	if b := d.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint16() uint16 {
	if b := d.next(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.next(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.next(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// shortstr returns a string of up to 255 bytes, which aliases the input.
func (d *decoder) shortstr() []byte { return d.next(int(d.uint8())) }

// longstr returns a string with a length of 32 bits, which aliases the input.
func (d *decoder) longstr() []byte {
	n := d.uint32()
	if uint64(n) > uint64(len(d.b)) { // int(n) may be negative
		d.fail("cut short")
		return nil
	}
	return d.next(int(n))
}
