package replay

import (
	"context"
	"time"
)

// What a screen can do to a lab, and to a recording not: each leaves a note that says so,
// and returns [ErrRecording] where it can.

func (p *Player) Call() string                                        { p.refuse(); return "" } //nolint:errcheck // its note tells
func (p *Player) Burst(int) error                                     { return p.refuse() }
func (p *Player) SetFib(string) error                                 { return p.refuse() }
func (p *Player) SetBody(string) error                                { return p.refuse() }
func (p *Player) SetConcurrency(int) error                            { return p.refuse() }
func (p *Player) SetRate(float64) error                               { return p.refuse() }
func (p *Player) SetTimeout(time.Duration) error                      { return p.refuse() }
func (p *Player) Pause()                                              { p.refuse() } //nolint:errcheck // its note tells
func (p *Player) Resume()                                             { p.refuse() } //nolint:errcheck // its note tells
func (p *Player) Begin()                                              { p.refuse() } //nolint:errcheck // its note tells
func (p *Player) AllowStart()                                         { p.refuse() } //nolint:errcheck // its note tells
func (p *Player) SetFault(string) error                               { return p.refuse() }
func (p *Player) StartServer(context.Context) (string, error)         { return "", p.refuse() }
func (p *Player) StopServer(context.Context, string) error            { return p.refuse() }
func (p *Player) KillServer(string) error                             { return p.refuse() }
func (p *Player) RestartServer(context.Context, string) error         { return p.refuse() }
func (p *Player) SecondReply(context.Context, string) (string, error) { return "", p.refuse() }
func (p *Player) UnknownReply(context.Context) (string, error)        { return "", p.refuse() }
func (p *Player) DropConnection()                                     { p.refuse() } //nolint:errcheck // its note tells
