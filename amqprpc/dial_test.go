package amqprpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

const password = "pa55-w0rd"

// Why there is no connection is said in words, with the address and never with the
// password.
func TestDialErrors(t *testing.T) {
	address, err := amqprpc.Address(brokertest.Shared(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	brokertest.NoLeaks(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	free.Close()
	var wg sync.WaitGroup // RabbitMQ takes three seconds to refuse a password
	defer wg.Wait()
	for name, c := range map[string]struct {
		url, want string
		invalid   bool
	}{
		"nothing listens":   {url: "amqp://guest:" + password + "@" + nobody, want: "connection refused"},
		"wrong password":    {url: "amqp://guest:" + password + "@" + address, want: "the broker refused the user name or password"},
		"unknown user":      {url: "amqp://" + password + ":x@" + address, want: "the broker refused the user name or password"},
		"unknown vhost":     {url: "amqp://guest:guest@" + address + "/none", want: "the broker refused access to the virtual host"},
		"another scheme":    {url: "http://guest:" + password + "@" + address, invalid: true},
		"a bad escape":      {url: "amqp://guest:" + password + "%zz@" + address, invalid: true},
		"a hash":            {url: "amqp://guest:" + password + "#x@" + address, invalid: true},
		"a slash":           {url: "amqp://guest:" + password + "/x@" + address, invalid: true},
		"a space":           {url: "amqp://guest:" + password + " @" + address, invalid: true},
		"a control":         {url: "amqp://guest:" + password + "\n@" + address, invalid: true},
		"no port number":    {url: "amqp://guest:" + password + "@localhost:" + password, invalid: true},
		"a port of 0":       {url: "amqp://guest:" + password + "@localhost:0", invalid: true},
		"a port too large":  {url: "amqp://guest:" + password + "@localhost:65536", invalid: true},
		"nothing like it":   {url: password, invalid: true},
		"a missing CA file": {url: "amqps://guest:" + password + "@" + address + "?cacertfile=/nonexistent/ca.pem", want: "/nonexistent/ca.pem"},
	} {
		for _, dial := range []func() error{
			func() error {
				_, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: at(c.url)})
				return err
			},
			func() error {
				return (&amqprpc.Server{ConnConfig: at(c.url), Queue: "q", Handler: echo}).Serve(context.Background())
			},
		} {
			wg.Go(func() {
				err := dial()
				var d *amqprpc.DialError
				switch {
				case err == nil:
					t.Errorf("%s: no error", name)
				case strings.Contains(err.Error(), password):
					t.Errorf("%s: the password is in the error: %v", name, err)
				case c.invalid && !errors.Is(err, amqprpc.ErrInvalidConfig):
					t.Errorf("%s: %v", name, err)
				case !c.invalid && (!errors.As(err, &d) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), d.Address)):
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		if _, err := amqprpc.Address(c.url); err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the password is in Address's error: %v", name, err)
		}
	}
}

// mute accepts connections and never says a word.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
		for _, c := range open {
			c.Close()
		}
	})
	return l.Addr().String()
}

// Connecting ends by its own bound, or with the context, however silent the other side is.
func TestDialIsBounded(t *testing.T) {
	live := brokertest.Shared(t).URL()
	brokertest.NoLeaks(t)
	silent := mute(t)
	for _, scheme := range []string{"amqp", "amqps"} {
		url := scheme + "://guest:guest@" + silent
		soon(t, "Dial of a silent listener", func() {
			_, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url}, DialTimeout: 50 * time.Millisecond}})
			wantIs(t, err, context.DeadlineExceeded)
			if err != nil && err.Error() != "cannot connect to "+silent+": no answer in time" {
				t.Error(err)
			}
			// The next URL is tried all the same.
			c, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{url, live}, DialTimeout: time.Second}})
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
		soon(t, "Dial with a context that ends", func() {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			_, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: at(url)})
			wantIs(t, err, context.Canceled)
			err = (&amqprpc.Server{ConnConfig: at(url), Queue: "q", Handler: echo}).Serve(ctx)
			wantIs(t, err, context.Canceled)
		})
	}
}

// DialTimeout bounds the handshakes too: the broker here takes a connection, and says nothing.
func TestDialTimeoutBoundsHandshakes(t *testing.T) {
	brokertest.NoLeaks(t)
	broker := amqprpc.ConnConfig{URLs: []string{"amqp://" + mute(t)}, DialTimeout: 300 * time.Millisecond}
	_, err := amqprpc.Dial(t.Context(), amqprpc.Config{ConnConfig: broker})
	wantIs(t, err, context.DeadlineExceeded)
}

func TestInvalidConfig(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, cfg := range map[string]amqprpc.Config{
		"timeout": {Timeout: -1}, "room": {MaxInFlight: -1}, "queue": {Queue: long},
		"name": {ConnConfig: amqprpc.ConnConfig{Name: long}}, "consumer tag": {ConnConfig: amqprpc.ConnConfig{ConsumerTag: long}},
		"heartbeat":    {ConnConfig: amqprpc.ConnConfig{Heartbeat: time.Millisecond}},
		"dial timeout": {ConnConfig: amqprpc.ConnConfig{DialTimeout: -1}}, "message": {ConnConfig: amqprpc.ConnConfig{MaxMessage: -1}},
	} {
		if _, err := amqprpc.Dial(context.Background(), cfg); !errors.Is(err, amqprpc.ErrInvalidConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// authority makes a CA and, signed by it, a certificate for 127.0.0.1 and localhost.
func authority(t *testing.T) (caFile, certFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	template := func(name string, ca bool) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca, leaf := template("test CA", true), template("broker", false)
	leaf.IPAddresses, leaf.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
	caFile = write("ca.pem", "CERTIFICATE", must(x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)))
	certFile = write("cert.pem", "CERTIFICATE", must(x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)))
	keyFile = write("key.pem", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
	return caFile, certFile, keyFile
}

func TestTLS(t *testing.T) {
	ca, cert, key := authority(t)
	otherCA, _, _ := authority(t)
	node := brokertest.RabbitMQ(t, rabbitmq.Config{TLS: &rabbitmq.TLS{CertFile: cert, KeyFile: key}})
	brokertest.NoLeaks(t)
	load := func(ca, name string) amqprpc.ConnConfig {
		t.Helper()
		cfg, err := amqprpc.LoadTLS(ca, "", "", name)
		if err != nil {
			t.Fatal(err)
		}
		return amqprpc.ConnConfig{URLs: []string{node.TLSURL()}, TLS: cfg}
	}
	serve(t, &amqprpc.Server{ConnConfig: load(ca, ""), Queue: "tls"})
	for name, broker := range map[string]amqprpc.ConnConfig{
		"by LoadTLS": load(ca, ""), "by another name of it": load(ca, "localhost"),
		"by the URL": at(node.TLSURL() + "?cacertfile=" + ca),
	} {
		c := dial(t, amqprpc.Config{ConnConfig: broker, Queue: "tls", Backoff: quick})
		body := make([]byte, 300_000)
		if reply, err := c.Call(context.Background(), amqprpc.Request{Body: body}); err != nil || len(reply.Body) != len(body) {
			t.Errorf("%s: %d bytes, error %v", name, len(reply.Body), err)
		}
		c.DropConnection()
		if _, err := c.Call(context.Background(), amqprpc.Request{}); err != nil && !errors.Is(err, amqprpc.ErrConnectionLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		broker amqprpc.ConnConfig
		want   string
	}{
		{load(otherCA, ""), "unknown authority"},
		{load("", ""), "unknown authority"},
		{load(ca, "rabbit.example"), "not rabbit.example"},
		{at(strings.Replace(node.URL(), "amqp:", "amqps:", 1)), "TLS"},
	} {
		_, err := amqprpc.Dial(context.Background(), amqprpc.Config{ConnConfig: c.broker})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error of %q: %v", c.want, err)
		}
	}
	for _, files := range [][4]string{{"none.pem"}, {key}, {"", cert}, {"", "", key}, {"", cert, ca}} {
		if _, err := amqprpc.LoadTLS(files[0], files[1], files[2], files[3]); !errors.Is(err, amqprpc.ErrInvalidConfig) {
			t.Errorf("%v: %v", files, err)
		}
	}
}
