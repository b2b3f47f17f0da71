// Package tour holds three short programs for people who learn double backprop,
// to be read in order: 1_tape, 2_second_order, 3_greg. Its test runs them and
// compares what they print.
package tour
