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

// NoArgs returns an error if there are arguments. A mistyped command is one.
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
	return fmt.Errorf("there is no command %s%s", arg, didYouMean("", args[0], names))
}

// helpCommand returns `help`, whose error for a mistyped command is that of NoArgs.
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

// FlagError returns pflag's errors in plain words.
func FlagError(cmd *cobra.Command, err error) error {
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
			// pflag reads -url=x as -u with the rest "rl=x".
			name, _, _ := strings.Cut(short, "=")
			return fmt.Errorf("there is no flag -%s%s", plainName(name), didYouMean("--", name, names))
		}
		name := unknown.GetSpecifiedName()
		return fmt.Errorf("there is no flag --%s%s", plainName(name), didYouMean("--", name, names))
	case errors.As(err, &needsValue):
		return fmt.Errorf("%s needs a value", flagName(needsValue.GetFlag()))
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		// pflag reads -count 5 as -c with the value "ount".
		if name, _, _ := strings.Cut(f.Shorthand+invalid.GetValue(), "="); f.Shorthand != "" && cmd.Flags().Lookup(name) != nil {
			return fmt.Errorf("there is no flag -%s; did you mean --%s?", name, name)
		}
		return fmt.Errorf("%s%s", flagName(f), valueError(invalid))
	case errors.As(err, &syntax):
		return fmt.Errorf("%s is not a flag", quoted(syntax.GetSpecifiedFlag()))
	}
	return err
}

// flagName returns the name of a flag in errors: -n rather than --count.
func flagName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

// values are the kinds of values of flags, as errors name them.
var values = map[string]string{
	"duration": "a duration: write it like 500ms, 5s or 1m",
	"int":      "a whole number",
	"int64":    "a whole number",
	"uint64":   "a whole number from 0 up",
	"float64":  "a number",
	"intSlice": "a list of whole numbers such as 1,2,4",
}

// valueError returns the part of an error that follows the name of the flag.
func valueError(e *pflag.InvalidValueError) string {
	kind, value := e.GetFlag().Value.Type(), " "+quoted(e.GetValue())
	expected, known := values[kind]
	_, err := strconv.ParseFloat(e.GetValue(), 64)
	switch {
	case kind == "bool":
		return value + " is neither true nor false"
	case !known: // a flag type of ours
		return ": " + e.Unwrap().Error()
	case kind == "duration" && err == nil:
		return value + " has no unit: write it like 500ms, 5s or 1m"
	case errors.Is(e.Unwrap(), strconv.ErrRange):
		return value + " is too large"
	}
	return value + " is not " + expected
}

// quoted quotes an argument, shortened and without passwords.
func quoted(s string) string { return fmt.Sprintf("%.40q", amqprpc.Redact(s)) }

// plainName returns the name of a flag as it was typed, quoted if it does not look like one.
func plainName(s string) string {
	if strings.Trim(s, "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" && len(s) <= 40 {
		return s
	}
	return quoted(s)
}

// didYouMean returns a question for the known name that is like the typed one, or "".
func didYouMean(prefix, typed string, names []string) string {
	if len(typed) < 3 || len(typed) > 40 {
		return ""
	}
	known := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, name := range names {
		known.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	similar := known.SuggestionsFor(typed)
	if len(similar) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, similar[0])
}
