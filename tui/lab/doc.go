// Package lab is what a screen looks at and drives: a client, a load, a pool of servers
// and the ledger that keeps their books. It knows no screen. Everything that a key can
// do is a method of [Lab], so that tests and headless commands can do it too; everything
// there is to see is in a [Look].
package lab
