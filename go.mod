module rpcscope

go 1.26.0

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // latencies to three digits in constant memory
	github.com/aymanbagabas/go-osc52/v2 v2.0.1 // copies an ID to the clipboard, over ssh too
	github.com/cenkalti/backoff/v5 v5.0.3 // exponential backoff with jitter
	github.com/charmbracelet/bubbles v1.0.0 // key bindings and their help; the line editor of prompts
	github.com/charmbracelet/bubbletea v1.3.10 // the screen
	github.com/charmbracelet/lipgloss v1.1.0 // styles and colours of the screen
	github.com/charmbracelet/x/ansi v0.11.6 // width and cutting of styled text, as lipgloss does it
	github.com/creack/pty v1.1.24 // tests: a pseudo-terminal for the real program
	github.com/gammazero/deque v1.2.3 // queues whose head and tail both move: messages, unconfirmed publishes
	github.com/go-json-experiment/json v1.27.2 // recordings: encoding/json/v2, which Go 1.27 has
	github.com/google/uuid v1.6.0 // correlation IDs
	github.com/hinshun/vt10x v0.0.0-20220301184237-5011da428d02 // tests: a terminal emulator
	github.com/mattn/go-isatty v0.0.20 // whether there is a terminal
	github.com/mattn/go-runewidth v0.0.19 // width of text, as lipgloss measures it
	github.com/muesli/termenv v0.16.0 // the colours that a terminal has
	github.com/rabbitmq/amqp091-go v1.16.0 // RabbitMQ's own client: sets up connections and watches them
	github.com/rivo/uniseg v0.4.7 // what one cell of a terminal holds
	github.com/spf13/cobra v1.10.2 // commands and flags
	github.com/spf13/pflag v1.0.9 // flags of cobra by their type
	go.uber.org/goleak v1.3.0 // tests: no goroutine is left
	golang.org/x/sys v0.49.0 // children that end with their parent
	golang.org/x/term v0.47.0 // raw mode and size of a terminal
	pgregory.net/rapid v1.3.0 // tests: properties
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/atotto/clipboard v0.1.4 // indirect
	github.com/charmbracelet/colorprofile v0.4.1 // indirect
	github.com/charmbracelet/x/cellbuf v0.0.15 // indirect
	github.com/charmbracelet/x/term v0.2.2 // indirect
	github.com/clipperhouse/displaywidth v0.9.0 // indirect
	github.com/clipperhouse/stringish v0.1.1 // indirect
	github.com/clipperhouse/uax29/v2 v2.5.0 // indirect
	github.com/erikgeiser/coninput v0.0.0-20211004153227-1c3628e74d0f // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/lucasb-eyer/go-colorful v1.3.0 // indirect
	github.com/mattn/go-localereader v0.0.1 // indirect
	github.com/muesli/ansi v0.0.0-20230316100256-276c6243b2f6 // indirect
	github.com/muesli/cancelreader v0.2.2 // indirect
	github.com/xo/terminfo v0.0.0-20220910002029-abceb7e1c41e // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/text v0.3.8 // indirect
	golang.org/x/tools v0.51.0 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck // a step of .ci/run
