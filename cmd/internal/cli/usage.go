package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rpcscope/amqprpc"
)

// NoArgs returns an error if there are arguments. A mistyped command is one.
func NoArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !cmd.HasAvailableSubCommands():
		return fmt.Errorf("unexpected argument %s: %s takes only flags", quoted(args[0]), cmd.Name())
	}
	return fmt.Errorf("there is no command %s%s", quoted(args[0]), didYouMean("", args[0], cmd))
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
		known := &cobra.Command{}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			known.AddCommand(&cobra.Command{Use: f.Name, Hidden: f.Hidden, Run: func(*cobra.Command, []string) {}})
		})
		// pflag reads -url=x as -u with the rest "rl=x".
		name, _, _ := strings.Cut(cmp.Or(unknown.GetSpecifiedShortnames(), unknown.GetSpecifiedName()), "=")
		return fmt.Errorf("there is no flag %s%s", quoted(name), didYouMean("--", name, known))
	case errors.As(err, &needsValue):
		return fmt.Errorf("%s needs a value", flagName(needsValue.GetFlag()))
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		// pflag reads -count 5 as -c with the value "ount".
		if name, _, _ := strings.Cut(f.Shorthand+invalid.GetValue(), "="); f.Shorthand != "" && cmd.Flags().Lookup(name) != nil {
			return fmt.Errorf("there is no flag -%s; did you mean --%s?", name, name)
		}
		if expected, known := values[f.Value.Type()]; known {
			return fmt.Errorf("%s %s is not %s", flagName(f), quoted(invalid.GetValue()), expected)
		}
		return fmt.Errorf("%s: %w", flagName(f), invalid.Unwrap()) // a flag type of ours
	case errors.As(err, &syntax):
		return fmt.Errorf("%s is not a flag", quoted(syntax.GetSpecifiedFlag()))
	}
	return err
}

// noEmptyFlags returns an error for a flag that is given without a value, such as --queue=. A body may be empty.
func noEmptyFlags(cmd *cobra.Command, _ []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" && f.Name != "body" {
			err = fmt.Errorf("--%s is empty", f.Name)
		}
	})
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
	"bool":     "true or false",
	"duration": "a duration such as 500ms, 5s or 1m",
	"int":      "a whole number of at most 18 digits",
	"int64":    "a whole number of at most 18 digits",
	"uint64":   "a whole number from 0 up, of at most 19 digits",
	"float64":  "a number",
	"intSlice": "a list of whole numbers such as 1,2,4",
}

// quoted quotes an argument, shortened and without passwords.
func quoted(s string) string { return fmt.Sprintf("%.40q", amqprpc.Redact(s)) }

// didYouMean returns a question for the command that is like the typed one, or "".
func didYouMean(prefix, typed string, known *cobra.Command) string {
	known.SuggestionsMinimumDistance = 2
	similar := known.SuggestionsFor(typed)
	if len(similar) == 0 || len(typed) < 3 {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, similar[0])
}
