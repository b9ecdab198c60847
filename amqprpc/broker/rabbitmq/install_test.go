//go:build unix

package rabbitmq

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

func TestNotInstalled(t *testing.T) {
	for name, set := range map[string]func(t *testing.T) Config{
		"asked for": func(t *testing.T) Config { return Config{Home: t.TempDir()} },
		"environment": func(t *testing.T) Config {
			t.Setenv("RABBITMQ_HOME", t.TempDir())
			return Config{}
		},
		"nowhere": func(t *testing.T) Config {
			t.Setenv("PATH", t.TempDir())
			saved := wellKnown
			t.Cleanup(func() { wellKnown = saved })
			wellKnown = []string{t.TempDir()}
			return Config{}
		},
		"no Erlang": func(t *testing.T) Config {
			t.Setenv("PATH", t.TempDir())
			return Config{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Start(t.Context(), set(t))
			if !errors.Is(err, ErrNotInstalled) || !strings.Contains(fmt.Sprint(err), "apt-get install -y rabbitmq-server") {
				t.Errorf("%v", err)
			}
			t.Log(err)
		})
	}
}

func TestLocateAsAsked(t *testing.T) {
	inst, err := locate(Config{})
	must(t, err)
	same, err := locate(Config{Home: inst.home})
	must(t, err)
	if *same != *inst {
		t.Errorf("%+v and %+v", same, inst)
	}
	needed := inst.needed([]string{"rabbitmq_management"})
	if has := func(name string) bool {
		return slices.ContainsFunc(needed, func(p string) bool { return strings.HasPrefix(filepath.Base(p), name+"-") })
	}; !has("rabbit") || !has("rabbit_common") || !has("rabbitmq_management_agent") || !has("cowboy") || has("rabbitmq_stomp") {
		t.Errorf("needed: %v", needed)
	}
}

// A boot that fails shows why, and leaves nothing.
func TestBootFails(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	t.Setenv("TMPDIR", t.TempDir())
	if _, err := Start(ctx, Config{Conf: "no.such.setting = 1"}); err == nil || !strings.Contains(err.Error(), "no.such.setting") {
		t.Errorf("%v", err)
	}
	if _, err := Start(ctx, Config{BootTimeout: 200 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "not ready after 200ms") {
		t.Errorf("%v", err)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := Start(short, Config{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
	for _, pid := range using(os.TempDir()) {
		gone(t, pid)
	}
}

// Ports that are taken between their choice and their use are told as such.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute) // five boots
	n := Own(t, Config{})
	for what, port := range map[string]int{"AMQP": n.ports.amqp, "distribution": n.ports.dist} {
		must(t, n.Stop(ctx))
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		must(t, err)
		if err := n.Start(ctx); !errors.Is(err, errPortTaken) {
			t.Errorf("%s port taken: %v", what, err)
		}
		must(t, l.Close())
		must(t, n.Start(ctx))
	}
}

// Lines of one's own win, and plugins are found with all that they depend on.
func TestConfAndPlugins(t *testing.T) {
	t.Parallel()
	ctx := within(t, 3*time.Minute)
	n := Own(t, Config{Conf: "disk_free_limit.absolute = 2MB", Plugins: []string{"rabbitmq_event_exchange", "rabbitmq_shovel"}})
	for expr, want := range map[string]string{
		"{ok, X} = application:get_env(rabbit, disk_free_limit), X.": `"2MB"`,
		"lists:sort(rabbit_plugins:active()).":                       "rabbitmq_event_exchange,rabbitmq_shovel",
	} {
		out, err := n.Ctl(ctx, "eval", expr)
		must(t, err)
		if !strings.Contains(strings.Join(strings.Fields(out), ""), want) {
			t.Errorf("%s: %s, want %s", expr, out, want)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	files, pool := certificate(t)
	n := Own(t, Config{TLS: &TLS{CertFile: files.CertFile, KeyFile: files.KeyFile}})
	conn, err := amqp.DialTLS(n.TLSURL(), &tls.Config{RootCAs: pool})
	must(t, err)
	must(t, conn.Close())

	n = Own(t, Config{TLS: files})
	if _, err := amqp.DialTLS(n.TLSURL(), &tls.Config{RootCAs: pool}); err == nil {
		t.Error("mutual TLS took a client without a certificate")
	}
	pair, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	must(t, err)
	conn, err = amqp.DialTLS(n.TLSURL(), &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}})
	must(t, err)
	must(t, conn.Close())
}

// certificate makes an authority, and a certificate by it for both ends on 127.0.0.1.
func certificate(t *testing.T) (*TLS, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	sign := func(template, parent *x509.Certificate) *x509.Certificate {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
		must(t, err)
		cert, err := x509.ParseCertificate(der)
		must(t, err)
		return cert
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test's authority"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	authority = sign(authority, authority)
	leaf := sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a test"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, authority)

	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return &TLS{
		CertFile: write("cert.pem", "CERTIFICATE", leaf.Raw),
		KeyFile:  write("key.pem", "PRIVATE KEY", keyDER),
		CAFile:   write("ca.pem", "CERTIFICATE", authority.Raw),
	}, pool
}
