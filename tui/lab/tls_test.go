package lab_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
)

// Replies by hand go over TLS where the calls do.
func TestHandOverTLS(t *testing.T) {
	cert, key := selfSigned(t)
	node := brokertest.RabbitMQ(t, rabbitmq.Config{TLS: &rabbitmq.TLS{CertFile: cert, KeyFile: key}})
	trust, err := amqprpc.LoadTLS(cert, "", "", "")
	must(t, err)
	for what, broker := range map[string]amqprpc.ConnConfig{
		"by configuration": {URLs: []string{node.TLSURL()}, TLS: trust},
		"by the URL":       {URLs: []string{node.TLSURL() + "?cacertfile=" + cert}},
	} {
		t.Run(what, func(t *testing.T) {
			cfg := config(t, node)
			cfg.Broker = broker
			l := open(t, cfg)
			id, err := l.UnknownReply(t.Context())
			must(t, err)
			untilNoted(t, l, "unknown reply "+id[:8]+" came in")
		})
	}
	if trust.ServerName != "" {
		t.Error("the configuration was written to")
	}
}

// selfSigned makes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), name)
		must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", private)
}
