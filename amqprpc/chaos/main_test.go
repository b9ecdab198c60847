package chaos

import (
	"os"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
)

func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }
