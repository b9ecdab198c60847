package report

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"rpcscope/amqprpc"
)

func TestTally(t *testing.T) {
	var tally Tally
	if got := tally.Sentences(); len(got) != 0 {
		t.Errorf("the zero Tally says %v", got)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 100 {
				tally.Add(nil)
				tally.Add(errors.New("timeout"))
				if i%2 == 0 {
					tally.Add(errors.New("two\nlines"))
				}
			}
		})
	}
	wg.Wait()
	if got, want := tally.Sentences(), []Sentence{{"timeout", 400}, {`two\nlines`, 200}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	var calls Tally
	for _, id := range []string{"1", "2"} {
		calls.Add(&amqprpc.CallError{ID: id, To: `queue "q"`, Outcome: amqprpc.Rejected})
	}
	if got, want := calls.Sentences(), []Sentence{{amqprpc.ErrRejected.Error(), 2}}; !reflect.DeepEqual(got, want) {
		t.Errorf("of two calls: %v, want %v", got, want)
	}
}

func TestTallyIsBounded(t *testing.T) {
	var tally Tally
	for i := range 1000 {
		tally.Add(fmt.Errorf("error %03d", i))
	}
	got := tally.Sentences()
	if len(got) != maxSentences+1 || got[maxSentences] != (Sentence{"other failures", 1000 - maxSentences}) {
		t.Errorf("%v", got)
	}
	if len(tally.counts) > maxTallied {
		t.Errorf("%d sentences kept", len(tally.counts))
	}
}
