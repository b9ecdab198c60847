package server

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

const (
	invalid    = amqprpc.CodeInvalidArgument
	outOfRange = amqprpc.CodeOutOfRange
)

func TestParseN(t *testing.T) {
	megabyte := strings.Repeat("9", 1<<20)
	for _, c := range []struct {
		body string
		n    int
		code string
	}{
		{"0", 0, ""}, {"30", 30, ""}, {"45", 45, ""}, {" 5 ", 5, ""}, {"5\n", 5, ""}, {"\t\v\f\r\n5\r\n", 5, ""},
		{"007", 7, ""}, {"+5", 5, ""}, {"-0", 0, ""}, {"-000", 0, ""}, {strings.Repeat("0", 1<<20) + "7", 7, ""},
		{"46", 0, outOfRange}, {"10000000000", 0, outOfRange}, {"9223372036854775808", 0, outOfRange},
		{"18446744073709551615", 0, outOfRange}, {"18446744073709551616", 0, outOfRange}, {"18446744073709551621", 0, outOfRange},
		{"100000000000000000000000000000", 0, outOfRange}, {megabyte, 0, outOfRange}, {"+" + megabyte, 0, outOfRange},
		{"-1", 0, invalid}, {"-5", 0, invalid}, {"-" + megabyte, 0, invalid},
		{"", 0, invalid}, {" ", 0, invalid}, {"\n\r\t", 0, invalid}, {"+", 0, invalid}, {"-", 0, invalid},
		{"abc", 0, invalid}, {"1e3", 0, invalid}, {"3.0", 0, invalid}, {"0x10", 0, invalid}, {"1_000", 0, invalid}, {"- 5", 0, invalid},
		{"--5", 0, invalid}, {"+-5", 0, invalid}, {"5 5", 0, invalid}, {"\x00", 0, invalid}, {"5\x00", 0, invalid}, {"\xff\xfe", 0, invalid},
		{"٣", 0, invalid}, {"\uff15", 0, invalid}, {"\u00a05", 0, invalid}, {"\x1b[2J", 0, invalid}, {megabyte + "x", 0, invalid}, {`{"n":5}`, 0, invalid},
	} {
		n, err := ParseN([]byte(c.body), 45)
		var remote *amqprpc.RemoteError
		switch {
		case c.code == "" && (err != nil || n != c.n):
			t.Errorf("%s: %d, %v", quote(c.body), n, err)
		case c.code != "" && (!errors.As(err, &remote) || remote.Code != c.code || n != 0):
			t.Errorf("%s: %d, %v, want %s", quote(c.body), n, err, c.code)
		case c.code == outOfRange && !strings.Contains(err.Error(), "45"):
			t.Errorf("%s: no limit in %q", quote(c.body), err)
		}
	}
}

func TestParseNErrors(t *testing.T) {
	for body, want := range map[string]string{
		"":                       "INVALID_ARGUMENT: the body is empty: it must be a decimal number from 0 to 45",
		"abc":                    `INVALID_ARGUMENT: not a decimal number: "abc"`,
		"-1":                     `INVALID_ARGUMENT: n must not be negative: "-1"`,
		"1000":                   `OUT_OF_RANGE: above the limit of this server, n = 45: "1000"`,
		"\x1b[2J":                `INVALID_ARGUMENT: not a decimal number: "\x1b[2J"`,
		strings.Repeat("7", 500): `OUT_OF_RANGE: above the limit of this server, n = 45: "` + strings.Repeat("7", 40) + `"... (500 bytes)`,
	} {
		if _, err := ParseN([]byte(body), 45); err == nil || err.Error() != want {
			t.Errorf("%s: got  %v\nwant %s", quote(body), err, want)
		}
	}
}

// ParseN agrees with math/big.
func TestParseNAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{1,30}`).Draw(r, "digits")
		sign := rapid.SampledFrom([]string{"", "+", "-"}).Draw(r, "sign")
		space := rapid.StringMatching(`[ \t\n\v\f\r]{0,3}`)
		maxN := rapid.IntRange(0, 80_000_000).Draw(r, "max")
		n, err := ParseN([]byte(space.Draw(r, "before")+sign+digits+space.Draw(r, "after")), maxN)

		x, _ := new(big.Int).SetString(sign+digits, 10)
		code := ""
		if x.Sign() < 0 {
			code = invalid
		} else if x.Cmp(big.NewInt(int64(maxN))) > 0 {
			code = outOfRange
		}
		check(r, n, err, maxN)
		var remote *amqprpc.RemoteError
		if code == "" && (err != nil || x.Cmp(big.NewInt(int64(n))) != 0) || code != "" && (!errors.As(err, &remote) || remote.Code != code) {
			r.Fatalf("%v of %d: %d, %v", x, maxN, n, err)
		}
	})
}

// check checks properties that hold for every body.
func check(t interface{ Fatalf(string, ...any) }, n int, err error, maxN int) {
	if err == nil {
		if n < 0 || n > maxN {
			t.Fatalf("n = %d", n)
		}
		return
	}
	var remote *amqprpc.RemoteError
	if !errors.As(err, &remote) || remote.Code != invalid && remote.Code != outOfRange {
		t.Fatalf("%#v", err)
	}
	if len(remote.Message) > 300 {
		t.Fatalf("a message of %d bytes", len(remote.Message))
	}
	for _, r := range remote.Message {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			t.Fatalf("a message with %U", r)
		}
	}
}

func TestParseNCopiesNothing(t *testing.T) {
	body := bytes.Repeat([]byte{'9'}, 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		_, _ = ParseN(body, 45)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<19 {
		t.Errorf("%d bytes for ten messages about 40", got)
	}
}

func FuzzParseN(f *testing.F) {
	for _, s := range []string{"", "30", " 5\n", "+5", "-5", "-0", "007", "abc", "1e3", "10000000000", "\xff", "٣", "99999999999999999999"} {
		f.Add([]byte(s), 45)
	}
	f.Fuzz(func(t *testing.T, body []byte, maxN int) {
		maxN = max(maxN, 0)
		before := bytes.Clone(body)
		n, err := ParseN(body, maxN)
		if !bytes.Equal(body, before) {
			t.Fatal("the body has changed")
		}
		check(t, n, err, maxN)
		if again, err2 := ParseN(body, maxN); again != n || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatal("not the same twice")
		}
		if err == nil {
			if again, err := ParseN([]byte(fmt.Sprintf("%d", n)), maxN); err != nil || again != n {
				t.Fatalf("%d reads as %d, %v", n, again, err)
			}
		}
	})
}
