package amqprpc

import (
	"strings"
	"testing"
	"time"
)

func TestMetaRoundTrips(t *testing.T) {
	at := func(us int64) time.Time { return time.UnixMicro(us) }
	for text, want := range map[string]Meta{
		"":                                    {},
		"deadline=1764513600000000;attempt=1": {Deadline: at(1764513600000000), Attempt: 1},
		"received=1;replied=2;attempt=3;redelivered;replayed": {Received: at(1), Replied: at(2), Attempt: 3, Redelivered: true, Replayed: true},
		"attempt=2147483647":                                   {Attempt: 1<<31 - 1},
		"attempt=2147483648":                                   {},
		"attempt=0;attempt=-1;attempt=+x;attempt":              {},
		"received=0;replied=-5;deadline=9223372036854775807":   {},
		"deadline=18446744073709551616":                        {},
		"future=1;;=;redelivered=false;attempt=2;received=now": {Redelivered: true, Attempt: 2},
		"attempt=1;" + strings.Repeat("x", maxMeta):            {},
	} {
		got := ParseMeta(text)
		if got != want {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
		if again := ParseMeta(got.String()); again != got {
			t.Errorf("%+v is written %q, which is read as %+v", got, got.String(), again)
		}
	}
	const written = "received=1;replied=2;attempt=3;redelivered"
	if got := ParseMeta(written).String(); got != written {
		t.Errorf("%q is written as %q", written, got)
	}
}
