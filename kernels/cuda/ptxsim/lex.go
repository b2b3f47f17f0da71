package ptxsim

import (
	"fmt"
	"strings"
)

// token is a word, a number, a string or one character of PTX.
type token struct {
	text string
	line int
	pos  int // of its first byte in the source
	end  int
}

// SyntaxError is a source that Parse does not take; it prints as
// "file:line: what is wrong".
type SyntaxError struct {
	File string
	Line int
	Text string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

func wordStart(c byte) bool {
	return c == '_' || c == '$' || c == '%' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func wordPart(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digit(c)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// lex cuts a source into tokens. A dot belongs to the word that follows it.
func lex(file, src string) ([]token, error) {
	var out []token
	line := 1
	for i := 0; i < len(src); {
		c := src[i]
		start, first := i, line
		switch {
		case c == '\n':
			line++
			i++
			continue
		case c == ' ' || c == '\t' || c == '\r':
			i++
			continue
		case strings.HasPrefix(src[i:], "//"):
			for i < len(src) && src[i] != '\n' {
				i++
			}
			continue
		case strings.HasPrefix(src[i:], "/*"):
			n := strings.Index(src[i:], "*/")
			if n < 0 {
				return nil, &SyntaxError{file, line, "comment without end"}
			}
			line += strings.Count(src[i:i+n], "\n")
			i += n + 2
			continue
		case c == '"':
			n := strings.IndexByte(src[i+1:], '"')
			if n < 0 {
				return nil, &SyntaxError{file, line, "string without end"}
			}
			line += strings.Count(src[i:i+n+2], "\n")
			i += n + 2
		case digit(c):
			i = endOfNumber(src, i)
		case wordStart(c), c == '.' && i+1 < len(src) && (wordStart(src[i+1]) || digit(src[i+1])):
			i = endOfWord(src, i+1)
		default:
			i++
		}
		out = append(out, token{src[start:i], first, start, i})
	}
	return out, nil
}

// endOfWord also passes the :: of names such as .shared::cta.
func endOfWord(src string, i int) int {
	for i < len(src) {
		switch {
		case wordPart(src[i]):
			i++
		case strings.HasPrefix(src[i:], "::") && i+2 < len(src) && wordStart(src[i+2]):
			i += 2
		default:
			return i
		}
	}
	return i
}

// endOfNumber passes integers of any base, decimal fractions and exponents.
func endOfNumber(src string, i int) int {
	decimal := src[i] != '0' || i+1 == len(src) || !wordStart(src[i+1])
	for i < len(src) {
		c := src[i]
		switch {
		case wordPart(c) || decimal && c == '.':
			i++
			if decimal && (c == 'e' || c == 'E') && i < len(src) && (src[i] == '-' || src[i] == '+') {
				i++
			}
		default:
			return i
		}
	}
	return i
}
