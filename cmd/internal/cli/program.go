package cli

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// version is the version of this program's module as Go knows it: of a release, of the commit that it
// was built from, or "(devel)".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	return info.Main.Version + ", " + info.GoVersion
}

// Program is how a person at this machine runs one of our programs: by its name, or by `go
// run` where this one was.
func Program(name string) string {
	path, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(filepath.Dir(path)), "/go-build") {
		return "go run ./cmd/" + name
	}
	return name
}
