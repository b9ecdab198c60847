package lab

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"

	"rpcscope/amqprpc"
	"rpcscope/tui/report"
)

func template(t testing.TB, text string) *Template {
	t.Helper()
	n, err := ParseFib("20-35")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := ParseTemplate(text, n)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// seeded returns a generator as a load passes it to call k.
func seeded(k uint64) *rand.Rand { return rand.New(rand.NewPCG(1, k)) }

func TestTemplate(t *testing.T) {
	const id = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	for text, want := range map[string]string{
		"hello":             "hello",
		"{k}":               "7",
		"{k}{k}":            "77",
		"{n}":               "2[0-9]|3[0-5]",
		"{n:5-5}{n:0-0}":    "50",
		"{n:1-9}":           "[1-9]",
		"":                  "",
		"{uuid}":            id,
		"{uuid} {uuid}":     id + " " + id,
		`{"id": {k}}`:       `\{"id": 7\}`,
		`{"a":{"b":[{k}]}}`: `\{"a":\{"b":\[7\]\}\}`,
		"{{k}":              `\{k\}`,
		"{{{k}":             `\{7`,
		"{{{{":              `\{\{`,
		"}":                 `\}`,
		"{":                 `\{`,
		"a{":                `a\{`,
		"{ k}{1}{}":         `\{ k\}\{1\}\{\}`,
		"é{k}\x00\xff":      "é7\x00\xff",
	} {
		got := template(t, text).Body(7, seeded(7))
		// latin converts bytes to characters, so that all of them can be matched.
		latin := func(s string) string {
			var b strings.Builder
			for i := range len(s) {
				b.WriteRune(rune(s[i]))
			}
			return b.String()
		}
		if !regexp.MustCompile(latin(`\A(?s:` + want + `)\z`)).MatchString(latin(string(got))) {
			t.Errorf("%q makes %q, not %s", text, got, want)
		}
	}
	same := regexp.MustCompile(`^(\d+) (\d+)$`).FindSubmatch(template(t, "{n} {n}").Body(0, seeded(0)))
	if same == nil || string(same[1]) != string(same[2]) {
		t.Errorf("{n} is not the same twice: %q", same)
	}
	if !template(t, "a{n}").HasN() || template(t, "{n:1-2}{k}{{n}").HasN() {
		t.Error("{n} or not: wrong")
	}
	if body := template(t, `{"n": {n:0-1000000000000000000}, "s": "{uuid}"}`).Body(0, seeded(0)); !json.Valid(body) {
		t.Errorf("%q is not JSON", body)
	}
}

func TestTemplateErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{foo}":                               `"{foo}" is none of`,
		"a {K}":                               `"{K}"`,
		"{k":                                  "closing brace",
		"{uuid:3}":                            `"{uuid:3}"`,
		"{n:}":                                "not a range",
		"{n:3}":                               "not a range",
		"{n:3-}":                              "not a range",
		"{n:5-3}":                             "reversed range: write {n:3-5}",
		"{n:-5-3}":                            "not a range",
		"{n:0-" + "1000000000000000001}":      "not a range",
		"{n:0-99999999999999999999}":          "not a range",
		strings.Repeat("x", MaxTemplate+1):    "longer",
		"{" + strings.Repeat("x", 5000) + "}": "none of",
		"{x\x1b[2J}":                          `\x1b`,
	} {
		n, _ := ParseFib("1")
		_, err := ParseTemplate(text, n)
		if !errors.Is(err, amqprpc.ErrInvalidConfig) || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// Runs with one seed send the same bodies, in any order.
func TestTemplateSeed(t *testing.T) {
	tmpl := template(t, "{k} {n} {n:1-1000000} {uuid}")
	first := make(map[int64]string)
	for k := range int64(100) {
		first[k] = string(tmpl.Body(k, seeded(uint64(k))))
	}
	distinct := make(map[string]bool)
	for k := int64(99); k >= 0; k-- {
		if second := string(tmpl.Body(k, seeded(uint64(k)))); second != first[k] {
			t.Errorf("call %d sends %q and %q", k, first[k], second)
		}
		distinct[first[k]] = true
	}
	if len(distinct) != 100 {
		t.Errorf("%d bodies of 100", len(distinct))
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"x", "{k}", "{n}", "{n:1-100}", "{uuid}", "{{", "{{k}}", `{"id": {k}, "x": "{uuid}"}`, "{", "{k", "{foo}", "{n:9-1}", "\xff\x00{k}"} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, k uint64) {
		n, _ := ParseFib("20-35")
		tmpl, err := ParseTemplate(text, n)
		if err == nil {
			second, err := ParseTemplate(tmpl.String(), n)
			if err != nil || tmpl.String() != text {
				t.Fatalf("%q reads back as %q, %v", text, tmpl, err)
			}
			call := int64(k >> 1)
			if a, b := tmpl.Body(call, seeded(k)), second.Body(call, seeded(k)); string(a) != string(b) {
				t.Fatalf("%q makes %q and %q", text, a, b)
			}
			if !strings.Contains(text, "{") && string(tmpl.Body(call, seeded(k))) != text {
				t.Fatalf("%q is not itself", text)
			}
		}
		// Any text can be escaped.
		plain, err := ParseTemplate(strings.ReplaceAll(text, "{", "{{"), n)
		if err != nil {
			if text != "" && len(text) < MaxTemplate/2 {
				t.Fatalf("%q, with its braces doubled: %v", text, err)
			}
			return
		}
		if got := string(plain.Body(0, seeded(k))); got != text {
			t.Fatalf("%q, with its braces doubled, makes %q", text, got)
		}
	})
}

func TestService(t *testing.T) {
	headers, err := ParseHeaders([]string{"tenant=blue", "empty=", "query=a=b", "Größe=1"})
	if err != nil || len(headers) != 4 || headers["tenant"] != "blue" || headers["empty"] != "" || headers["query"] != "a=b" {
		t.Fatalf("%v, %v", headers, err)
	}
	s := &Service{Body: template(t, "{k} {n}"), ContentType: "application/json", Headers: headers, Expect: regexp.MustCompile(`^ok \d+$`)}
	req := s.Request(3, seeded(3))
	if !strings.HasPrefix(string(req.Body), "3 ") || req.ContentType != "application/json" || req.Headers["tenant"] != "blue" || s.Name(req) != string(req.Body) {
		t.Errorf("%+v", req)
	}
	req.Headers["tenant"] = "red" // the client may change a request
	if s.Request(4, seeded(4)).Headers["tenant"] != "blue" {
		t.Error("requests share their headers")
	}
	for body, right := range map[string]bool{"ok 1": true, "ok": false, "": false, "\x00\xff": false, "\x1b[2J": false, "\nok 1": false} {
		err := s.Check(req, amqprpc.Reply{Message: amqprpc.Message{Body: []byte(body)}, Server: "evil\x1b"})
		if (err == nil) != right {
			t.Errorf("%q: %v", body, err)
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\x00\x1b") || !utf8.ValidString(err.Error())) {
			t.Errorf("it quotes %q raw: %q", body, err)
		}
	}
	for body, want := range map[string]string{"no": `"no" is no match for "^ok \\d+$"`, "": `"" is no match`, "\x00\xff": `"\x00\xff" is no match`} {
		if err := s.Check(req, amqprpc.Reply{Message: amqprpc.Message{Body: []byte(body)}}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, not %s", body, err, want)
		}
	}
	s.Expect = nil
	if err := s.Check(req, amqprpc.Reply{}); err != nil {
		t.Errorf("nothing is expected: %v", err)
	}
	var c report.RunConfig
	if s.Describe(&c); !reflect.DeepEqual(c, report.RunConfig{Body: new("{k} {n}"), Fib: "20-35"}) {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{"", "=", "=x", "name", "a b=c", "x-rpc-deadline=1", "X-RPC-foo=1", "CC=q", "BCC=q", "\x1b=1", "\xff=1", strings.Repeat("n", 129) + "=1"} {
		if _, err := ParseHeaders([]string{bad}); !errors.Is(err, amqprpc.ErrInvalidConfig) || len(err.Error()) > 300 {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
	if _, err := ParseHeaders([]string{"a=1", "a=2"}); err == nil {
		t.Error("one header twice")
	}
}

func TestDrawID(t *testing.T) {
	for k := range uint64(100) {
		if id := drawID(seeded(k)); id.Version() != 4 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("%v is of version %v, %v", id, id.Version(), id.Variant())
		}
	}
}

func TestBodyText(t *testing.T) {
	for body, want := range map[string]string{
		"": "(empty)", " 832040\n": "832040", "\x00\x01\xfe": "0x0001fe", "\xff": "0xff",
		strings.Repeat("\xff", 100):    "0x" + strings.Repeat("f", 57) + "…",
		strings.Repeat("é", 200):       strings.Repeat("é", 59) + "…",
		"x" + strings.Repeat("é", 200): "x" + strings.Repeat("é", 58) + "…",
	} {
		if got := bodyText([]byte(body)); got != want {
			t.Errorf("%.40q is shown as %q, want %q", body, got, want)
		}
	}
}
