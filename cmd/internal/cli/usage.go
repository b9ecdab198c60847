package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
)

// NoArgs refuses arguments. A command that is not there is one, too.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	arg := quoted(args[0])
	if !cmd.HasAvailableSubCommands() {
		return fmt.Errorf("unexpected argument %s: %s takes only flags", arg, cmd.Name())
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("there is no command %s%s", arg, meant("", args[0], names))
}

// helpCommand is `help`, which of a mistyped command says what NoArgs does.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil {
				err = NoArgs(about, rest)
			}
			if err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// flagError says in plain words what pflag says in Go's.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var needsValue *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			// -url=x is -u -r -l, with "=x" behind it.
			name, _, _ := strings.Cut(short, "=")
			return fmt.Errorf("there is no flag -%s%s", plainName(name), meant("--", name, names))
		}
		name := unknown.GetSpecifiedName()
		return fmt.Errorf("there is no flag --%s%s", plainName(name), meant("--", name, names))
	case errors.As(err, &needsValue):
		return fmt.Errorf("%s needs a value", flagName(needsValue.GetFlag()))
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		// -count 5 is -c with the value "ount".
		if name, _, _ := strings.Cut(f.Shorthand+invalid.GetValue(), "="); f.Shorthand != "" && cmd.Flags().Lookup(name) != nil {
			return fmt.Errorf("there is no flag -%s; did you mean --%s?", name, name)
		}
		return fmt.Errorf("%s%s", flagName(f), valueError(invalid))
	case errors.As(err, &syntax):
		return fmt.Errorf("%s is not a flag", quoted(syntax.GetSpecifiedFlag()))
	}
	return err
}

// flagName is what a flag is called in errors: -n rather than --count.
func flagName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

// valueError says what is wrong with a flag's value, behind the name of the flag.
func valueError(e *pflag.InvalidValueError) string {
	value := " " + quoted(e.GetValue())
	tooLarge := errors.Is(e.Unwrap(), strconv.ErrRange)
	switch kind := e.GetFlag().Value.Type(); kind {
	case "duration":
		if _, err := strconv.ParseFloat(e.GetValue(), 64); err == nil {
			return value + " has no unit: write it like 500ms, 5s or 1m"
		}
		return value + " is not a duration: write it like 500ms, 5s or 1m"
	case "int", "int64", "float64":
		if tooLarge {
			return value + " is too large"
		}
		if kind == "float64" {
			return value + " is not a number"
		}
		return value + " is not a whole number"
	case "uint64":
		if tooLarge {
			return value + " is too large"
		}
		return value + " is not a whole number from 0 up"
	case "intSlice":
		return value + " is not a list of whole numbers such as 1,2,4"
	case "bool":
		return value + " is neither true nor false"
	}
	return ": " + e.Unwrap().Error() // of a flag of ours, which says it plainly
}

// quoted quotes what somebody typed, without passwords, and not all of it if it is long.
func quoted(s string) string { return fmt.Sprintf("%.40q", amqprpc.Redact(s)) }

// plainName is a flag's name as somebody typed it, quoted if it does not look like one.
func plainName(s string) string {
	if strings.Trim(s, "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" && len(s) <= 40 {
		return s
	}
	return quoted(s)
}

// meant asks whether the nearest of the names was meant, if one is near.
func meant(prefix, typed string, names []string) string {
	best, least := "", max(1, len(typed)/3)+1
	if len(typed) > 40 {
		return ""
	}
	for _, name := range names {
		d := distance(typed, name)
		if len(typed) > 2 && strings.HasPrefix(name, typed) {
			d = min(d, 1)
		}
		if d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, best)
}

// distance is how many letters are to be added, removed, replaced or swapped with the one beside
// them to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
