// Package greg trains classifiers that know when not to answer: the losses, the
// training loop and the run directory of Gradient-Regularized Out-of-Distribution
// Detection (GReg, arXiv:2404.12368).
//
// The network gives logits f(x). Its energy score is S(x) = -logsumexp(f(x)),
// small on in-distribution images and large on outliers. Training sees a batch of
// in-distribution images with labels and a batch of auxiliary outliers, in one
// forward pass, and minimises
//
//	L = CE + LambdaS*L_S + LambdaGrad*L_gradS
//
// L_S is equation (1), squared hinges that push S below MarginIn on
// in-distribution images and above MarginAux on outliers:
//
//	L_S = mean_in max(0, S-m_in)^2 + mean_aux max(0, m_aux-S)^2
//
// L_gradS is equation (3), the norm of the gradient of S with respect to the
// image, where the image is detected correctly already:
//
//	L_gradS = mean_in |grad S| 1{S <= m_in} + mean_aux |grad S| 1{S >= m_aux}
//
// so that the score stays flat around known images of both kinds. Minimising it
// means differentiating a gradient; package autograd does that.
//
// There are two readings of equation (3). [Paper] is the equation as printed. In
// [Code], as in the authors' program, the gradient is that of the mean-reduced
// hinges and every image counts in the mean, so the term is smaller by about the
// number of images in the batch. A run says which it used.
//
// Other methods put another outlier term in the place of L_S ([Outliers]): OE,
// Balanced Energy, DOS, NTOM, OpenMix. GReg+, DOS, NTOM and POEM choose the outliers
// that they train on with a [Sampler], which sees what the network in evaluation mode
// says of many candidates: extremes of clusters ([ClusterSampler], Algorithm 1 of
// GReg), a window of ranks ([RankSampler]), those nearest to a sampled boundary
// ([BoundarySampler]). DOS, NTOM and OpenMix train an output for "none of the
// classes" (models.Config.Reject). docs/methods.md lists all settings.
//
// [Preset] gives the settings of a method by name, [NewTrainer] and
// [Trainer.Steps] train, [Run] keeps everything that a run leaves behind in one
// directory, so that a killed run goes on and ends in the same bits, and
// a [Classifier] evaluates.
package greg
