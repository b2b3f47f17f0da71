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
//   - scores: a [Detector] makes of [Outputs] one float64 an image;
//     [ParseScores] reads lists such as "energy,ash-s:p=90,energy:t=2"
//   - learning: [FitAll] shows ID data to all scores in one pass, then
//     [ScoreAll] scores batches
//   - choices: [Tuned] picks settings on ID data, noise and mixed ID images,
//     for "odin:eps=auto"
//   - certificate: [Certify] says how far an image can move before the
//     decision changes
//   - decision: [Threshold] at a true-positive rate on ID data, then [Decide]:
//     in or out
//   - metrics: [Evaluate] two sets of scores under a named [Convention]
//   - curves: [ROC], and [NewHistogram] on a range that the data choose
//   - files: [Results] is results.json; [WriteNPY] and [ReadNPY] hold raw scores
//
// # Scores
//
// Logits suffice for [MSP], [MaxLogit], [Energy], [Entropy] and [GEN]; [GradNorm]
// wants features too. [ReAct], [DICEScore], [LINe], [ASH] and [Scale] change the
// features or the final layer before they take the energy, so they want the
// [Head]. [Mahalanobis], [KNN] and [ViM] measure distances to ID features. [ODIN]
// moves the image and runs the [Model] again. [Absent] is of networks that have an
// output for none of the classes. Each file says what it computes and where it is
// from; defaults are published settings, one for all networks and sets, where papers
// choose for each.
//
// Nothing is ever chosen on OOD test data. What Fit learns it learns from ID data,
// and a setting is what the user says, a published default, or, where the user
// writes auto, what [Tuned] chooses. All of it goes into results.json.
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
//
// # A model of your own
//
// Any function that fills in [Outputs] is a model ([Func]); one that also gives
// gradients implements [Model], and works with every score. See the example OwnModel.
package ood
