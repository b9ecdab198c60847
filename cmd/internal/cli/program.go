package cli

import (
	"os"
	"path/filepath"
	"strings"
)

// Program is how a person at this machine runs one of our programs: by its name, or by `go
// run` where this one was.
func Program(name string) string {
	path, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(filepath.Dir(path)), "/go-build") {
		return "go run ./cmd/" + name
	}
	return name
}
