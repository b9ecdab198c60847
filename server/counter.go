package server

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// A Counter is a number in a file, which stands for a database: servers with the same file
// share the number, and it outlives them. Adding is not idempotent: a request that is
// executed twice adds twice.
//
// Each line of the file is one addition: the number and the correlation ID.
type Counter struct {
	File string
	// Once makes additions idempotent: an ID adds once, and gets the same answer after that.
	// Two servers that get the same ID at the same moment may both add.
	Once bool

	mu sync.Mutex
}

// Add adds n under a correlation ID and returns the new number. If the file is not a
// counter's, Add fails and leaves it unchanged.
func (c *Counter) Add(id string, n int) (sum int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum, added, err := c.read(id)
	if err != nil || added && c.Once {
		return sum, err
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	_, err = fmt.Fprintf(f, "%d %q\n", n, id)
	return sum + n, errors.Join(err, f.Close())
}

// read returns the number and whether id has added to it; with Once, the number after that
// addition.
func (c *Counter) read(id string) (sum int, added bool, err error) {
	f, err := os.Open(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var n int
		var by string
		if _, err := fmt.Fscanf(strings.NewReader(lines.Text()), "%d %q", &n, &by); err != nil {
			return 0, false, fmt.Errorf("%s is not the file of a counter", c.File)
		}
		sum += n
		if added = added || by == id; added && c.Once {
			return sum, true, nil
		}
	}
	return sum, added, lines.Err()
}
