package server

import (
	"bytes"
	"context"
	"math/big"
)

// piece is how many digits big.Int converts without a look at the context: a
// millisecond or two.
const piece = 1 << 16

// decimal returns the digits of x >= 0. At millions of digits this costs as much as
// the computation did, so it honours the context too, which big.Int.Text cannot:
// it halves the number until the pieces are small.
func decimal(ctx context.Context, x *big.Int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// log10(2) < 0.30103: never fewer digits than there are.
	digits := int(float64(x.BitLen())*0.30103) + 1
	if digits <= piece {
		return x.Append(nil, 10), nil
	}
	halvings := 0
	for digits>>halvings > piece {
		halvings++
	}
	smallest := digits>>halvings + 1

	// powers[i] = 10^(smallest*2^i) splits what is two such halves wide.
	powers := make([]*big.Int, halvings)
	for i := range powers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i == 0 {
			powers[0] = new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(smallest)), nil)
		} else {
			powers[i] = new(big.Int).Mul(powers[i-1], powers[i-1])
		}
	}
	out := bytes.Repeat([]byte{'0'}, smallest<<halvings)
	if err := fill(ctx, out, x, powers); err != nil {
		return nil, err
	}
	return bytes.TrimLeft(out, "0"), nil
}

// fill writes x, right-aligned, into out, which is all zeros and wide enough.
func fill(ctx context.Context, out []byte, x *big.Int, powers []*big.Int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(powers) == 0 {
		s := x.Append(nil, 10)
		copy(out[len(out)-len(s):], s)
		return nil
	}
	last := len(powers) - 1
	high, low := new(big.Int).QuoRem(x, powers[last], new(big.Int))
	half := len(out) / 2
	if err := fill(ctx, out[:half], high, powers[:last]); err != nil {
		return err
	}
	return fill(ctx, out[half:], low, powers[:last])
}
