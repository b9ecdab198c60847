package server

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseFaults(t *testing.T) {
	for list, want := range map[string]Faults{
		"":                                   {},
		"  ":                                 {},
		"duplicate":                          {Duplicate: 1},
		"duplicate=0.25":                     {Duplicate: 0.25},
		"drop=0":                             {},
		"crash-before-ack=1e-3,unknown=1":    {CrashBeforeAck: 0.001, Unknown: 1},
		"crash-before-reply=.5, error,panic": {CrashBeforeReply: 0.5, Error: 1, Panic: 1},
		"slow=0.1:2s,ack-delay=250ms":        {Slow: 0.1, SlowFor: 2 * time.Second, AckDelay: 250 * time.Millisecond},
		"slow=1:0s,ack-delay=0":              {Slow: 1},
	} {
		got, err := ParseFaults(list)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", list, got, err)
		}
	}
}

func TestParseFaultsErrors(t *testing.T) {
	for list, want := range map[string]string{
		"crash":             `unknown fault "crash": it is one of crash-before-ack, crash-before-reply, early-ack, duplicate, unknown, drop, error, panic, slow, ack-delay`,
		"Drop":              `unknown fault "Drop"`,
		"\x1b[2J":           `unknown fault "\x1b[2J"`,
		"drop,drop=1":       `fault drop is listed twice`,
		"drop =0.5":         `unknown fault "drop "`,
		"drop= 0.5":         `fault drop: " 0.5" is not a probability`,
		"drop,,panic":       `a fault without a name in "drop,,panic"`,
		"drop,":             `a fault without a name`,
		"=1":                `a fault without a name`,
		"drop=":             `fault drop: "" is not a probability`,
		"drop=often":        `fault drop: "often" is not a probability: it must be a number from 0 to 1`,
		"drop=NaN":          `fault drop: "NaN" is not a probability`,
		"drop=-0.1":         `fault drop: "-0.1" is not a probability: it must be a number from 0 to 1`,
		"drop=1.01":         `fault drop: "1.01" is not a probability`,
		"drop=50%":          `fault drop: "50%" is not a probability`,
		"drop=Inf":          `fault drop: "Inf" is not a probability`,
		"drop=0.5:2s":       `fault drop: "0.5:2s" is not a probability`,
		"slow":              `fault slow: "" is not a duration: write it like slow=0.1:2s`,
		"slow=0.5":          `fault slow: "" is not a duration`,
		"slow=2s":           `fault slow: "" is not a duration`,
		"slow=0.5:":         `fault slow: "" is not a duration: write it like slow=0.1:2s`,
		"slow=0.5:5":        `fault slow: "5" is not a duration`,
		"slow=:5s":          `fault slow: "" is not a probability`,
		"slow=0.5:-2s":      `fault slow: "-2s" is not a duration`,
		"slow=2:2s":         `fault slow: "2" is not a probability`,
		"ack-delay":         `fault ack-delay: "" is not a duration: write it like ack-delay=500ms`,
		"ack-delay=0.5:2s":  `fault ack-delay: "0.5:2s" is not a duration`,
		"ack-delay=-1ms":    `fault ack-delay: "-1ms" is not a duration`,
		"ack-delay=forever": `fault ack-delay: "forever" is not a duration`,
	} {
		got, err := ParseFaults(list)
		if err == nil || !strings.HasPrefix(err.Error(), want) || got != (Faults{}) {
			t.Errorf("%q: %+v\ngot  %v\nwant %s", list, got, err, want)
		}
	}
}

func anyFaults() *rapid.Generator[Faults] {
	return rapid.Custom(func(r *rapid.T) Faults {
		var f Faults
		for _, k := range faultTable {
			if k.chance != nil && rapid.Bool().Draw(r, k.name) {
				*k.chance(&f) = rapid.Float64Range(0, 1).Draw(r, "P")
			}
			if k.duration != nil && rapid.Bool().Draw(r, k.name+" for") {
				*k.duration(&f) = time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(r, "duration"))
			}
		}
		return f
	})
}

func TestFaultsRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := anyFaults().Draw(r, "faults")
		got, err := ParseFaults(f.String())
		if err != nil || got != f {
			r.Fatalf("%v reads as %v, %v", f, got, err)
		}
	})
}

func TestFaultsFlag(t *testing.T) {
	var f Faults
	for _, list := range []string{"drop=0.5,slow=1:2s", "error", "drop=0.1"} {
		if err := f.Set(list); err != nil {
			t.Fatal(err)
		}
	}
	if want := (Faults{Drop: 0.1, Error: 1, Slow: 1, SlowFor: 2 * time.Second}); f != want {
		t.Errorf("got %v, want %v", f, want)
	}
	before := f
	if err := f.Set("unknown,nonsense"); err == nil || f != before {
		t.Errorf("a bad list changed %v to %v, %v", before, f, err)
	}
}

func FuzzParseFaults(f *testing.F) {
	for _, s := range []string{"", "drop", "drop=0.5", "slow=0.5:2s,ack-delay=1m", "drop,drop", "drop=NaN", "slow=-0:0", "=,=", "unknown=0x1p-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		got, err := ParseFaults(list)
		if err != nil {
			if len(err.Error()) > 500 || got != (Faults{}) {
				t.Fatalf("%v, %v", got, err)
			}
			return
		}
		if again, err := ParseFaults(got.String()); err != nil || again != got {
			t.Fatalf("%q reads as %v, that as %v, %v", list, got, again, err)
		}
	})
}
