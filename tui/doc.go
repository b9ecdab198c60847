// Package tui is the screen. [Model] is its only tea.Model: four lanes of calls and discarded replies, an inspector that
// tells the story of one call, charts, and servers. [Run] shows a lab, [RunTour] the labs of a tour, and [RunReplay] a
// recording. The package opens no connection and starts no goroutine of its own.
//
// # Keys
//
// All keys are in one table, newKeys in keys.go. A row has the key, its text in the help, the sources and modes in which it
// works, the method that it calls, and its word in the footers, which footer.go lists. To add a key, add a row and its method.
//
// # Other parts
//
//   - text: escaping, widths, lines, frames, numbers
//   - explain: sentences about a call, and advice
//   - report: output without a screen
//   - lab: a session under test; it does what the keys ask for
//   - tour, replay: guided scenarios, and recordings played back
//
// # Promises
//
// The picture depends only on the snapshot, the size and the state of the [Model]. It has exactly as many lines as the
// terminal, and none of them is wider.
//
// Text of others (names of servers, queues and brokers, bodies, errors) is escaped, so that a reply cannot move the cursor,
// set a title, or imitate a part of the screen.
//
// NO_COLOR is honoured, and a word or a mark always says the same as a colour. See internal/noquery for terminal queries.
package tui
