package text

import (
	"math"
	"strings"
)

// Bar draws x, from 0 to 1, as a bar of eighths of a cell that is width cells long for 1. It is empty only if x is 0.
func Bar(x float64, width int) string {
	n := Eighths(x, width)
	s := strings.Repeat("█", n/8)
	if part := n % 8; part > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	return s
}

// Column returns the cell of a column that is height eighths of a cell high, in the row of that index from below.
func Column(height, row int) string {
	return string([]rune(" ▁▂▃▄▅▆▇█")[min(max(height-8*row, 0), 8)])
}

// Eighths returns how many eighths of a cell x, from 0 to 1, fills of n cells. It is 0 only if x is.
func Eighths(x float64, n int) int {
	if !(x > 0) || n <= 0 {
		return 0
	}
	return max(int(math.Round(min(x, 1)*float64(8*n))), 1)
}
