// Package secret keeps passwords out of texts.
package secret

import (
	"regexp"
	"strings"
)

var (
	// userInfo is what stands before the @ of a URL. If a password holds an @ or a
	// slash, it reaches to the last @ of the word.
	userInfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)?[^\s"'/:@]*:\S*@`)
	// cutOff is a URL whose @ is missing, as in a text that was cut: user, colon, and
	// what is no port.
	cutOff = regexp.MustCompile(`(//[^\s"'/:@\[]*:)[^\s"'/@]*[^\s"'/@0-9,;][^\s"'/@]*`)
)

// Redact returns text with *** instead of the user names and passwords of URLs in it.
func Redact(text string) string {
	if !strings.Contains(text, ":") {
		return text
	}
	return cutOff.ReplaceAllString(userInfo.ReplaceAllString(text, "$1***@"), "$1***")
}
