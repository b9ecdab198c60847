//go:build linux || darwin

package screen

import "golang.org/x/sys/unix"

// Termios are the settings of a terminal in the kernel. They can be compared by ==.
type Termios struct{ unix.Termios }

// Cooked reports whether the kernel edits lines, echoes them, makes signals of ctrl+c and
// ctrl+z, and carriage returns of newlines.
func (m Termios) Cooked() bool {
	return m.Lflag&unix.ICANON != 0 && m.Lflag&unix.ECHO != 0 && m.Lflag&unix.ISIG != 0 && m.Oflag&unix.OPOST != 0
}

// Termios returns the terminal's present settings.
func (term *Terminal) Termios() (m Termios) {
	term.t.Helper()
	term.control("termios", func(fd int) error {
		got, err := unix.IoctlGetTermios(fd, getTermios)
		if err == nil {
			m.Termios = *got
		}
		return err
	})
	return m
}

// control calls ask with the file descriptor. File.Fd would make it blocking.
func (term *Terminal) control(what string, ask func(fd int) error) {
	term.t.Helper()
	conn, err := term.master.SyscallConn()
	if err != nil {
		term.t.Fatalf("%s: %v", what, err)
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = ask(int(fd)) }); err != nil || failed != nil {
		term.t.Fatalf("%s: %v, %v", what, err, failed)
	}
}
