// Package cli is what the project's programs have in common: verbs with flags,
// exit codes, Ctrl-C, and opening sets of images, networks and devices by what
// the user wrote.
//
// A program is a [Program] of verbs:
//
//	code := program.Main(os.Args, os.Stdout, os.Stderr) // to exit with
//
// Results go to standard output; progress, messages and errors to standard error.
// An error is one sentence, printed once, here. What kind of error it is decides
// the exit code:
//
//	0    all went well, or help was asked for
//	1    an error of data, files, devices, training
//	2    wrong flags ([Wrong])
//	130  interrupted ([Interrupted], or a context that was cancelled)
//
// The first Ctrl-C cancels the context that a verb is given, so that it ends
// what it has in hand; the second kills the program.
package cli
