// Package secret keeps passwords out of texts.
package secret

import (
	"regexp"
	"strings"
)

var (
	// userInfo matches a URL up to its @. If the password contains an @ or a slash, it matches up to the last
	// @ of the word.
	userInfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)?[^\s"'/:@]*:\S*@`)
	// cutOff matches a URL without its @, as in a text that was cut: user, colon, and no port.
	cutOff = regexp.MustCompile(`(//[^\s"'/:@\[]*:)[^\s"'/@]*[^\s"'/@0-9,;][^\s"'/@]*`)
)

// Redact returns text with *** instead of the user names and passwords of URLs in it.
func Redact(text string) string {
	if !strings.Contains(text, ":") {
		return text
	}
	return cutOff.ReplaceAllString(userInfo.ReplaceAllString(text, "$1***@"), "$1***")
}
