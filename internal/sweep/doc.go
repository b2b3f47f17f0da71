// Package sweep reads sweep files: lists of trainings and evaluations that make
// one table of results. Files are TOML:
//
//	title = "Table 1: CIFAR-10"
//	out   = "runs/table1"             # where the runs go
//	table = ["table.md", "table.tex"] # written into out when runs are done
//
//	[train]                           # flags of cifar train, for every run
//	id = "cifar10"
//	[eval]                            # flags of cifar eval, for every run
//	ood = "textures,svhn,places365"
//
//	[[run]]
//	name  = "{arch}/base"             # the run's directory below out
//	for   = { arch = ["resnet18", "wrn-40-2"] }
//	train = { method = "ce", epochs = 100 }
//	eval  = { scores = "msp,odin,energy" }
//
//	[[run]]
//	name  = "{arch}/greg-{seed}"
//	for   = { arch = ["resnet18", "wrn-40-2"], seed = [1, 2, 3] }
//	init  = "{arch}/base"             # begins with that run's weights
//	train = { method = "greg", aux = "300k" }
//
// In place of init, init-file names a run directory, a .safetensors or a PyTorch file
// with weights that somebody else has trained, relative to the sweep file; with
// new-head = true in train, all but its last layer is taken.
//
// A variable of for is a flag of train, too; {variable} stands for its value
// wherever a run's strings are. Each combination is one [Run]. Keys that mean
// nothing are errors, as are two runs of one name.
//
// The package knows nothing of networks: it turns a file into runs, each with the
// arguments of two commands. Programs execute them.
package sweep
