// Package tour is the guided tour: scenarios that announce something, do it in a [lab.Lab], and check
// a claim by the numbers in its ledger. cmd/rpcscope opens it, and tui shows it; it uses
// tui/lab and knows no screen.
//
// A scenario uses only methods of the lab, which are keys of the screen, and flags of fibserver:
// users can repeat it by hand. A [Session] plays one scenario, [Check] plays many
// in turn, and a [Guide] leads a user through them.
//
// Each scenario has a queue with a random name, and a folder if it needs one. [Session.Close]
// deletes both; only kill -9 of the program leaves them behind.
package tour
