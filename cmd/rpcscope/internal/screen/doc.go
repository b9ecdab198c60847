// Package screen runs real programs on a real terminal, for tests: a pseudo-terminal
// whose other end is an emulator that answers what terminals are asked.
//
//	term := screen.Start(t, screen.Size{Cols: 80, Rows: 24}, nil, "rpcscope", "demo")
//	term.WaitFor("in flight")
//	term.Type("q")
//	term.WaitExit()
//
// [Terminal] says what a person would see ([Terminal.Screen]), what state the program has
// left the terminal in ([Terminal.AltScreen], [Terminal.Termios], ...) and what it wrote to
// get there ([Terminal.Raw]). What is waited for is looked at whenever there is output, not
// by the clock; where it does not come about, the test fails with the last screen in full.
//
// The program is the leader of a session of its own, and the terminal is the one that
// controls it. When it ends, the kernel hangs the terminal up, as if the window had been
// closed: to see what a program leaves behind, start it from a shell, as people do. Every
// process of the session is ended with the test.
//
// The emulator knows wide characters and clusters, the alternate screen, and what has
// scrolled off the primary one. It has no scrollback for scroll regions, no colours to be
// asked for, and no tabulators to the right of where a resized screen ended.
//
// It is there on Linux and macOS only.
package screen
