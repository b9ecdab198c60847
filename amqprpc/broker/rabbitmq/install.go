package rabbitmq

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrNotInstalled is wrapped by errors for a missing RabbitMQ or Erlang.
var ErrNotInstalled = errors.New("RabbitMQ is not installed " +
	"(Debian, Ubuntu: apt-get install -y rabbitmq-server; macOS: brew install rabbitmq)")

// An installation is an installed RabbitMQ and its Erlang.
type installation struct {
	home    string // holds sbin, plugins and escript
	version string // such as "3.10.8"
	path    string // PATH for its scripts
	epmd    string // the Erlang port mapper
}

// Installed returns the version of the RabbitMQ that [Start] would run, such as "3.10.8". If there is none, the error wraps
// [ErrNotInstalled] or, on other systems than Unix, [errors.ErrUnsupported].
func Installed() (version string, err error) {
	if err := supported(); err != nil {
		return "", err
	}
	inst, err := locate()
	if err != nil {
		return "", err
	}
	return inst.version, nil
}

// wellKnown are the folders of RabbitMQ's scripts in packages, for users without Debian's /usr/sbin or Homebrew's sbin on
// their PATH.
var wellKnown = []string{
	"/usr/lib/rabbitmq/bin",
	"/usr/local/lib/rabbitmq/bin",
	"/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
	"/usr/local/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
	"/opt/homebrew/opt/rabbitmq/sbin",
	"/usr/local/opt/rabbitmq/sbin",
	"/opt/rabbitmq*/sbin",
	"/opt/rabbitmq_server-*/sbin",
}

// locate finds the installation to use: the one in $RABBITMQ_HOME if it is set, or else the one on the PATH, or else
// in one of the folders of packages.
func locate() (*installation, error) {
	var patterns []string
	if home := os.Getenv("RABBITMQ_HOME"); home != "" {
		patterns = scriptFolders(home)
	} else {
		if script, err := exec.LookPath("rabbitmq-server"); err == nil {
			if script, err = filepath.EvalSymlinks(script); err == nil {
				patterns = append(patterns, filepath.Dir(script))
			}
		}
		patterns = append(patterns, wellKnown...)
	}
	home := ""
	for _, pattern := range patterns {
		folders, _ := filepath.Glob(pattern) // an invalid pattern matches nothing
		for _, folder := range folders {
			if home == "" {
				home = homeOf(folder)
			}
		}
	}
	if home == "" {
		return nil, fmt.Errorf("%w: no rabbitmq-server in %s", ErrNotInstalled, strings.Join(patterns, ", "))
	}

	inst := &installation{home: home, version: "unknown", path: os.Getenv("PATH")}
	for _, f := range inst.plugins()["rabbit"] {
		inst.version = f.version
	}
	var erl string
	if erl, inst.epmd = find("erl", inst.path), find("epmd", inst.path); erl == "" {
		return nil, fmt.Errorf("%w: no Erlang (erl) on the PATH %s", ErrNotInstalled, inst.path)
	}
	if inst.epmd == "" {
		// Some packages put only erl on the PATH, as a link.
		if real, err := filepath.EvalSymlinks(erl); err == nil {
			inst.epmd = find("epmd", filepath.Dir(real))
		}
	}
	if inst.epmd == "" {
		return nil, fmt.Errorf("%w: no Erlang port mapper (epmd) on the PATH %s", ErrNotInstalled, inst.path)
	}
	return inst, nil
}

// scriptFolders returns the folders that may hold the scripts of an installation.
func scriptFolders(home string) []string {
	return []string{
		filepath.Join(home, "sbin"), filepath.Join(home, "bin"), home,
		filepath.Join(home, "lib/rabbitmq/bin"), filepath.Join(home, "lib/rabbitmq_server-*/sbin"),
	}
}

// homeOf returns the installation of the scripts in folder, or "". A wrapper such as Debian's in /usr/sbin, which
// demands a certain user, is no installation: it has no folder plugins beside it.
func homeOf(folder string) string {
	script, err := filepath.EvalSymlinks(filepath.Join(folder, "rabbitmq-server"))
	if err != nil {
		return ""
	}
	home := filepath.Dir(filepath.Dir(script))
	for _, part := range []string{"sbin/rabbitmqctl", "plugins"} {
		if _, err := os.Stat(filepath.Join(home, part)); err != nil {
			return ""
		}
	}
	return home
}

// find looks up an executable in path.
func find(name, path string) string {
	for _, folder := range filepath.SplitList(path) {
		if file, err := exec.LookPath(filepath.Join(folder, name)); err == nil && filepath.IsAbs(file) {
			return file
		}
	}
	return ""
}

// A pluginFolder is an Erlang application in the plugins folder: NAME-VERSION.
type pluginFolder struct{ path, name, version string }

// plugins returns the plugin folders by application name.
func (inst *installation) plugins() map[string][]pluginFolder {
	all := map[string][]pluginFolder{}
	paths, _ := filepath.Glob(filepath.Join(inst.home, "plugins", "*"))
	for _, path := range paths {
		name, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".ez"), "-")
		all[name] = append(all[name], pluginFolder{path, name, version})
	}
	return all
}

var (
	applications = regexp.MustCompile(`\{\s*(?:applications|included_applications)\s*,\s*\[([^\]]*)\]`)
	word         = regexp.MustCompile(`\w+`)
)

// mirror links into folder those parts of the installation that the server and the enabled plugins need. The scripts put every
// folder in plugins on Erlang's code path, where each of a thousand modules is looked up: on 3.10.8 a boot takes 4.8 s
// with all seventy folders, and 1.7 s with the 20 that are needed.
func (inst *installation) mirror(folder string, enabled []string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, part := range []string{"sbin", "escript"} {
		if err := os.Symlink(filepath.Join(inst.home, part), filepath.Join(folder, part)); err != nil {
			return err
		}
	}
	needed := inst.needed(enabled)
	if needed == nil {
		return os.Symlink(filepath.Join(inst.home, "plugins"), filepath.Join(folder, "plugins"))
	}
	if err := os.Mkdir(filepath.Join(folder, "plugins"), 0o700); err != nil {
		return err
	}
	for _, path := range needed {
		if err := os.Symlink(path, filepath.Join(folder, "plugins", filepath.Base(path))); err != nil {
			return err
		}
	}
	return nil
}

// needed returns the plugin folders that rabbit and the enabled plugins depend on. If they cannot be determined, it returns nil,
// and all are needed.
func (inst *installation) needed(enabled []string) []string {
	all := inst.plugins()
	var paths []string
	seen := map[string]bool{}
	todo := append([]string{"rabbit"}, enabled...)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, f := range all[name] { // none for an application of Erlang
			spec, err := os.ReadFile(filepath.Join(f.path, "ebin", name+".app"))
			if err != nil {
				return nil
			}
			for _, list := range applications.FindAllSubmatch(spec, -1) {
				todo = append(todo, word.FindAllString(string(list[1]), -1)...)
			}
			paths = append(paths, f.path)
		}
	}
	if len(all["rabbit"]) == 0 {
		return nil
	}
	return paths
}
