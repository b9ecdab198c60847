// Package brokertest gives tests a broker: the in-process one, or RabbitMQ.
//
//	func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
//		...
//	}
//
// A run of the tests has one broker. RPCSCOPE_TEST_BROKER selects it:
//
//   - "in-process": the default, except for benchmarks if RabbitMQ is installed.
//   - "rabbitmq": a private node of the installed RabbitMQ, one for each package.
//   - amqp://guest:guest@HOST:PORT/: a RabbitMQ that is running. Tests that need a node of their own
//     start a private one.
//
// Tests of features that only RabbitMQ has (TLS, plugins, dead letters, rabbitmqctl) ask for it by [OnRabbitMQ] or
// [RabbitMQ], which skip them on the in-process broker.
//
// RPCSCOPE_TEST_REQUIRE lists programs without which some tests are skipped, of "rabbitmq", "python", "perl",
// "ruby" and "node". If one of them is missing, the tests fail instead.
package brokertest
