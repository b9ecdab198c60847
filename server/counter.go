package server

import (
	"bufio"
	"errors"
	"fmt"
	"os"
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
	return c.add(id, n, fmt.Sprintf("%d %q\n", n, id))
}

// Check returns an error if the file cannot hold a counter. It creates the file if there is none.
func (c *Counter) Check() error {
	_, err := c.add("", 0, "")
	return err
}

func (c *Counter) add(id string, n int, line string) (sum int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, err := os.OpenFile(c.File, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var added int
		var by string
		if _, err := fmt.Sscanf(lines.Text(), "%d %q", &added, &by); err != nil {
			return 0, fmt.Errorf("%s is not the file of a counter", c.File)
		}
		sum += added
		if c.Once && by == id {
			return sum, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	_, err = f.WriteString(line)
	return sum + n, err
}
