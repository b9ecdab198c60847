// Package lab is a session under test: a client, a load, a pool of servers, and the ledger of
// their calls. tui shows and controls it, tui/tour plays scenarios in it, and cmd/rpcscope
// opens it. It uses amqprpc, amqprpc/load, amqprpc/ledger and server/pool, and knows no screen.
//
// Everything that a key does is a method of [Lab], so that tests and commands can do it too.
// Everything that a screen shows is in a [Snapshot], which the screen polls.
package lab
