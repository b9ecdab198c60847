// Package screen runs programs on a pseudo-terminal with an emulator at its other end, for tests.
//
//	term := screen.Start(t, screen.Size{Cols: 80, Rows: 24}, nil, "rpcscope", "demo")
//	term.WaitFor("in flight")
//	term.Type("q")
//	term.WaitExit()
//
// [Terminal.Screen] returns the text on the screen, [Terminal.AltScreen], [Terminal.Termios] and others the state of the
// terminal, and [Terminal.Raw] the bytes that were written. The Wait methods check their condition after each output,
// not by the clock. If they time out, the test fails with the last screen.
//
// The program leads a session, and the terminal is its controlling terminal. When the program ends, the kernel hangs
// the terminal up, as if a window had been closed. A test of the state that a program leaves behind starts the program
// from a shell. All processes of the session end with the test.
//
// The emulator is vt10x with wide characters, clusters and a scrollback. charmbracelet/x/vt does not replace it:
// version 0.1.0 loses wide characters at the edge of the screen, and combining marks that arrive in a write of their
// own. charmbracelet/freeze does not replace [Terminal.SVG]: version 0.2.2 ignores the default colour (SGR 39) and needs
// its font, 330 kB, in the picture.
//
// The package works on Linux and macOS.
package screen
