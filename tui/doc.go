// Package tui is what a person sees: words, numbers, colours and layout. It knows the
// books (a ledger.Snapshot), how far a load is (a load.Progress) and what a lab shows (a
// lab.Snapshot). It opens no connection and publishes nothing: what a key does is a method of
// the lab.
//
//   - [Run] shows a lab on the terminal. [Model] is the whole screen: four lanes of calls
//     and discarded replies, an inspector that tells one call's story, charts, servers.
//     One keyMap feeds the keys, the help and the footer. The picture is polled ten times
//     a second, so that nothing in the lab ever waits for the terminal.
//   - [RunTour] does so with one lab after the other, where a guide leads, and a story
//     above the lanes of each.
//   - Package text makes text from elsewhere safe for a terminal, and lays lines and frames out.
//   - [Summary] sums a run up in text: at the end of a headless load, and in the
//     scrollback after the screen has gone. [Tally] collects the sentences for it.
//   - [ProgressText] is one line about a load that goes on; [ProgressLine] keeps
//     such a line up to date on a terminal.
//
// # Promises
//
// Everything that is drawn is a pure function of what is passed in, clock included. It
// never draws a line wider than it was told to, whatever the numbers and names.
//
// Text that somebody else wrote (names of servers, queues and brokers, error
// messages) goes through text.Escape. Where none of ours is in between, a reply cannot move
// the cursor, set a title, or pretend to be part of the screen.
//
// Colour comes from a renderer that was made for the writer in question, so that
// NO_COLOR and pipes are honoured. Nothing is said by colour alone: there is always a
// word or a glyph too. Only the sixteen colours are used that people choose for their
// terminals themselves. Nothing here asks the terminal anything, but Bubble Tea does when
// a program that imports it starts: for its background, waiting 5 s where none answers.
//
// Numbers have three significant digits where they are measured, and all their digits,
// in groups of three, where they are counted.
//
// Goroutines are started by [ProgressLine.Start], which has ended when
// [ProgressLine.Stop] returns, and by Bubble Tea within [Run] and [RunTour]; what a key has begun there
// and may block ends with the context or by itself.
package tui
