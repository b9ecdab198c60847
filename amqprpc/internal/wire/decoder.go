package wire

import "encoding/binary"

// A decoder takes values from a payload, one after the other. The first that is not there
// or not well-formed makes it fail: from then on all values are zero, and b is empty.
type decoder struct {
	b       []byte // what is left
	reason  string // why it failed
	bounded bool   // whether tables are subject to the bounds of ParseProperties
}

func (d *decoder) fail(reason string) {
	if d.reason == "" {
		d.reason = reason
	}
	d.b = nil
}

func (d *decoder) failed() bool { return d.reason != "" }

// err returns a syntax error for what was to be decoded, nil if it was.
func (d *decoder) err(what string) error {
	if !d.failed() {
		return nil
	}
	return Errorf(SyntaxError, "%s: %s", what, d.reason)
}

// done fails if anything is left.
func (d *decoder) done() {
	if len(d.b) > 0 {
		d.fail("octets after the last field")
	}
}

// take returns the next n octets, or nil. They alias the payload.
func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.fail("cut short")
		return nil
	}
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uint8() uint8 {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint16() uint16 {
	if b := d.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// shortstr returns a string of up to 255 octets, of any kind, which aliases the payload.
func (d *decoder) shortstr() []byte { return d.take(int(d.uint8())) }

// longstr is like shortstr with a length of 32 bits.
func (d *decoder) longstr() []byte {
	n := d.uint32()
	if uint64(n) > uint64(len(d.b)) {
		d.fail("cut short")
		return nil
	}
	return d.take(int(n))
}
