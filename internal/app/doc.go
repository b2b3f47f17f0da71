// Package app holds the verbs that programs for experiments share: train, eval,
// table, report, figures, sweep, sets and fetch. An [Experiment] says what tells
// one program from another, such as the default network and the settings of its
// methods; its Verbs go into a cli.Program, beside what the program has of its own.
//
// A run directory or a results.json that one program has written can be read by
// all others.
package app
