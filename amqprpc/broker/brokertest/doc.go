// Package brokertest lets the tests of a package run on every broker that there is:
// first on the in-process one, which is always there, then on RabbitMQ.
//
//	func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
//		...
//	}
//
// [Main] runs the tests once for each broker and says before each run which one it is.
// [Shared], [Own] and the others speak of the broker of the run. What only RabbitMQ has
// (TLS, plugins, dead letters, rabbitmqctl) is asked for by [OnRabbitMQ], [RabbitMQ] and [Ctl],
// which skip the test in the other run.
//
// The environment:
//
//   - AMQP_URL, amqp://guest:guest@HOST:PORT/, is a RabbitMQ for [Shared] to return. It
//     must answer. Without it that is a private node, where RabbitMQ is installed. Those
//     of [Own] and [RabbitMQ] are private ones in any case.
//   - RPCSCOPE_TEST_REQUIRE lists what must be there, of "rabbitmq", "python", "perl", "ruby" and "node": its
//     absence is then an error, where otherwise less is run.
//   - RPCSCOPE_TEST_BROKERS lists the brokers to run on, of "in-process" and "rabbitmq".
//     Otherwise it is all that there are; but one for benchmarks (RabbitMQ if it is
//     there) and for fuzzing (the in-process one).
//
// `go test` with a list of packages shows of a package that passes only its "ok" line, and
// so not which brokers it ran on; -v shows it. A package whose tests need what is missing
// has [Absent] in its TestMain, and shows there as "[no tests to run]".
// A result that `go test` has cached is of the brokers that were there when it was made.
//
// In the second run only those tests run that have asked for a broker in the first, as
// far as -run does not say otherwise. Profiles, traces and coverage are of the first
// run. With -shuffle each run prints the seed of its own.
package brokertest
