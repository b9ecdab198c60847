// Package text lays out text in terminal cells.
//
//   - [Escape] makes text from elsewhere safe for a terminal. [ID] and [Body] do so for correlation IDs and
//     message bodies. [Width] measures the result; [Wrap] and [Fold] break it into lines.
//   - [Styles] are the colours, by meaning. An [Ink] is one of them, a [Span] is text in one ink, a [Line] is spans.
//   - A [Grid] draws frames with titles and shared borders. [Join] and [Ends] fit the pieces of a line into its width.
//   - [Count], [Number], [Millis] and the others write numbers and times.
//   - An [Axis] maps times to cells. [MarkedAxis] draws an axis with named marks. [Bar] and [Column] draw bars.
//
// No function returns text wider than it was told to. Spans must hold text that is escaped, or that this program wrote:
// then a reply cannot move the cursor, set a title, or look like a part of the screen.
//
// Styles are made for one writer, so that NO_COLOR and pipes are honoured. They use only the sixteen colours that people
// choose for their terminals themselves.
//
// Measured numbers have three significant digits. Counted numbers have all their digits, in groups of three.
package text
