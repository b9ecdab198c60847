package brokertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// An Authority is a certificate authority for tests of TLS.
type Authority struct {
	File string // its certificate, PEM
	Pool *x509.CertPool

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority until the end of the test.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{Pool: x509.NewCertPool(), key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	a.cert, der = sign(t, template, template, &a.key.PublicKey, a.key)
	a.Pool.AddCert(a.cert)
	a.File = pemFile(t, "ca.pem", "CERTIFICATE", der)
	return a
}

// Issue makes a certificate for servers and clients with these host names and IP addresses. It is valid until the given time,
// by default for an hour.
func (a *Authority) Issue(t testing.TB, until time.Time, names ...string) (certFile, keyFile string) {
	t.Helper()
	if until.IsZero() {
		until = time.Now().Add(time.Hour)
	}
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"},
		NotBefore: until.AddDate(-1, 0, 0), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	_, der := sign(t, template, a.cert, &key.PublicKey, a.key)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, "cert.pem", "CERTIFICATE", der), pemFile(t, "key.pem", "PRIVATE KEY", private)
}

// TLSFront listens on loopback, terminates TLS and forwards to a broker until the end of the test. It returns its address.
func TLSFront(t testing.TB, cfg *tls.Config, broker string) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []io.Closer
	ended := false
	keep := func(c io.Closer) {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			c.Close()
		}
		open = append(open, c)
	}
	pass := func(client net.Conn) {
		defer client.Close()
		if err := client.(*tls.Conn).Handshake(); err != nil {
			// The client must get the alert. A socket that is closed with unread input drops its output.
			raw := client.(*tls.Conn).NetConn().(*net.TCPConn)
			raw.CloseWrite()         //nolint:errcheck // the client may have closed it
			io.Copy(io.Discard, raw) //nolint:errcheck // until the client closes it
			return
		}
		conn, err := net.Dial("tcp", broker)
		if err != nil {
			t.Errorf("no broker behind the TLS: %v", err)
			return
		}
		defer conn.Close()
		keep(conn)
		wg.Go(func() {
			io.Copy(conn, client) //nolint:errcheck // either side may end it
			conn.Close()
		})
		io.Copy(client, conn) //nolint:errcheck // either side may end it
	}
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			keep(client)
			wg.Go(func() { pass(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		ended = true
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, private *ecdsa.PrivateKey) (*x509.Certificate, []byte) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, private)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, der
}

func pemFile(t testing.TB, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
