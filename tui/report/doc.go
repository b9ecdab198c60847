// Package report writes the output that needs no screen: the summary at the end of a run ([Summary], and as JSON
// [RunSummary]), the table of rpcscope scale ([Scale]), and the line about a running load ([ShowProgress]). It imports
// no Bubble Tea.
//
// No line is wider than the caller allows. Text of others, such as names and errors, is escaped. Colours are used only
// if the writer is a terminal that has them, and words or marks say the same. Measured numbers have three
// significant digits, counts have all their digits in groups of three.
package report
