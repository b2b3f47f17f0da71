// Package ood scores and judges out-of-distribution (OOD) detection for any
// classifier: it wants logits (and, for some scores, penultimate features) in
// plain slices and knows nothing of the network that gave them.
//
// # Direction and units
//
// A score is a confidence: larger means more in-distribution (ID). That holds
// for every score, threshold and metric here. (Training works with the energy
// S = -logsumexp(logits), which is small on ID images; the energy score of this
// package is -S.)
//
// [Metrics] are percentages, as the field prints them and as results.json
// stores them. Arguments and curves (the 0.95 of [Threshold], the points of
// [ROC]) are fractions.
//
// # What is here
//
//	scores      [Outputs] -> [Detector] -> one float64 an image; [ParseScores] reads "energy,msp,energy:t=2"
//	decision    [Threshold] at a true-positive rate on ID data, then [Decide]: in or out
//	metrics     [Evaluate] two sets of scores under a named [Convention]
//	curves      [ROC], [NewHistogram] on a range that the data choose
//	files       [Results] is results.json; [WriteNPY] and [ReadNPY] hold raw scores
//
// # Conventions
//
// Published code disagrees on what "FPR at 95 % TPR" and "AUPR" mean, by tens of
// points on the same scores. A [Convention] names one set of choices, is stored
// in every results file and printed on every table. [Paper] is the default and
// is what the GReg, Energy, OE and POEM code computes.
//
// # A detector of your own
//
// Implement [Detector] and call [Register]; the name then works wherever a list
// of scores is read. Detectors that learn from ID data get it in Fit, with the
// model, through which they can run it on other images and take gradients with
// respect to the images.
package ood
