// Package tour is a guided tour of what RPC over a broker does: ten scenarios, each of
// which tells what will happen, does something real in a [lab.Lab], and checks a claim by
// the numbers in its ledger. It knows no screen.
//
// All that a scenario does is done by verbs of the lab, which are the keys of the screen:
// whoever has seen it can do it again by hand.
//
// A [Stage] is where one scenario is played: [Open], [Stage.Play], [Stage.Close]. [Check]
// plays many, one after the other; a [Guide] leads a person through them.
//
// Every scenario has a queue of its own under a random name, which Close deletes, however
// the scenario has ended. Only a kill -9 leaves it behind.
package tour
