// Package replay plays recordings. A [Player] is to a recording what a lab.Lab is to a client: a screen
// shows both in the same way. It plays, steps and seeks. It shows the state of a ledger that has applied
// the events up to the current position, so at the end that is the state of the live run.
//
// # Seeking
//
// When a recording is opened, a goroutine reads all of it once and makes an index: checkpoints, which are
// copies of the ledger, the places of duplicates, orphans and failures, and the last event of each
// correlation ID. To seek is to copy the checkpoint before the target and to apply the events in between.
// A seek waits until the index knows its target; nothing else does.
//
// # Bounds
//
// There are at most 18 checkpoints, of some MB each, with at most 262,144 calls in flight together: if
// there were more, every other one is dropped. A correlation ID takes about 100 bytes, an incident eight:
// about a tenth of the file. Of the file itself, one line is held.
//
// # Damage
//
// A damaged or forged recording is shown up to the first line that is not an event, and the damage names
// that line. If times go back, an event happens together with the one before it in the file.
package replay
