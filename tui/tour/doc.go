// Package tour is a guided tour of what RPC over a broker does: scenarios, each of
// which tells what will happen, does something real in a [lab.Lab], and checks a claim by
// the numbers in its ledger. It knows no screen.
//
// All that a scenario does is done by verbs of the lab, which are the keys of the screen, and
// by flags of fibserver: whoever has seen it can do it again by hand.
//
// A [Stage] is where one scenario is played: [Open], [Stage.Play], [Stage.Close]. [Check]
// plays many, one after the other; a [Guide] leads a person through them.
//
// Every scenario has a queue of its own under a random name, and a folder if it needs one. Close
// deletes them, however the scenario has ended. Only a kill -9 leaves them behind.
package tour
