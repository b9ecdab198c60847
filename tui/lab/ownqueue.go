package lab

import (
	"context"
	"fmt"
	"time"
)

// unusedQueue is how long a queue of the lab's own may be without servers: longer than anybody
// looks at calls that nobody answers, and they would find another queue if it were not.
const unusedQueue = 5 * time.Minute

// deleteWait bounds how long the broker may take to delete a queue.
const deleteWait = 5 * time.Second

// deleteQueue deletes the request queue, if it exists, and what is in it. No server may be
// left that would declare it again.
func (l *Lab) deleteQueue(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deleteWait)
	defer cancel()
	if err := l.client.DeleteQueue(ctx, l.cfg.Queue); err != nil {
		return fmt.Errorf("the queue %s was not deleted: %w", l.cfg.Queue, err)
	}
	return nil
}
