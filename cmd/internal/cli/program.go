package cli

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// version returns the version of this program's module, and of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	return info.Main.Version + ", " + info.GoVersion
}

// Program returns the command line of one of our programs: its name, or `go run` if this program was started that way.
func Program(name string) string {
	path, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(filepath.Dir(path)), "/go-build") {
		return "go run ./cmd/" + name
	}
	return name
}
