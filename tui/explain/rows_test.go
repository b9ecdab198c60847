package explain

import "testing"

func TestNthReply(t *testing.T) {
	for n, want := range map[int]string{
		-1: "another reply", 0: "another reply", 1: "1st reply", 2: "2nd reply", 3: "3rd reply", 4: "4th reply", 11: "11th reply",
		12: "12th reply", 13: "13th reply", 21: "21st reply", 112: "112th reply", 1002: "1,002nd reply",
	} {
		if got, _ := NthReply(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
