// Package replay plays recordings. A [Player] is to a recording what a lab.Lab is to a
// client: a screen looks at it in the same way, and instead of driving a load it plays,
// steps and seeks. The books that it shows are those of a ledger that has been told the
// events up to the present position, so that at the end they are what the live run had.
//
// # How it seeks
//
// A goroutine reads the whole recording once, from the moment it is opened, and makes an
// index: copies of the books at some places, where duplicates, orphans and failures are, and
// where each correlation ID ends. To seek is to take the copy before the goal and tell it
// the events in between. What is not in the index yet is waited for; [lab.Replay] says how
// far it is. Nothing else waits: the first picture is there at once, and playing needs no
// index.
//
// # What bounds it
//
// At most 18 copies of the books are held, of some MB each, and of calls in flight all
// together 262,144: twice as many events lie between them whenever there would be more.
// Incidents take three bits an event, and the correlation IDs, by which calls are found, 20
// bytes a call if they are UUIDs: less than a thirtieth of the file. Of the file itself one
// line is held.
//
// # What it takes for true
//
// A recording may be damaged, forged, or be changed while it is played. It is shown up to
// the first line that is no event, and the line is named. An event happens no earlier than
// those before it in the file, whatever time it bears: where times go back, it happens
// when the one before it did.
package replay
