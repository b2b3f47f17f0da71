package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/ood"
	"gradgrad/report"
	"gradgrad/report/progress"
)

func (x *Experiment) evalHelp() string {
	return "Runs a network over in- and out-of-distribution images, prints a table, and writes results.json and every raw\n" +
		"score (scores/*.npy) into -out. Larger scores mean in-distribution.\n\nScores:\n  " + strings.Join(ood.ScoreHelp(), "\n  ") +
		"\n\nConventions for FPR95 and AUPR, which move them by tens of points:\n" + conventions() + "\n" + cli.DescribeSets(x.Name)
}

func conventions() string {
	var b strings.Builder
	for _, c := range []ood.Convention{ood.Paper, ood.DICE, ood.DOS, ood.OpenOOD} {
		fmt.Fprintf(&b, "  %-8s %s\n", c, c.Describe())
	}
	return b.String()
}

// evalFlags is what eval was asked for.
type evalFlags struct {
	x                                       *Experiment
	checkpoint, id, fit, scores, convention *string
	arch, normalize, method, out, conv      *string
	compute                                 *cli.Compute
	ood                                     *[]string
	batch, certify                          *int
	sets                                    *cli.Sets
	given                                   func(flag string) bool
}

func (x *Experiment) setupEval(f *cli.Flags) cli.Action { return x.evalFlags(f).run }

func (x *Experiment) evalFlags(f *cli.Flags) *evalFlags {
	e := &evalFlags{x: x, given: f.Given}
	f.Group("What")
	e.checkpoint = f.String("checkpoint", "", "PATH: a run directory, a .safetensors or a PyTorch file")
	e.id = f.String("id", "", "SET: in-distribution test images (default that of the run)")
	e.ood = f.List("ood", "SET,...: out-of-distribution images")
	e.scores = f.String("scores", "energy,msp", "SCORE,... (and absent before them, where the network has an output for none of the classes): parameters after a colon, as in energy,energy:t=2; all for every one; auto for the value that best tells images of -fit, held back, from noise and from means of two of them, as in odin:eps=auto")
	e.convention = f.String("convention", "paper", "NAME: how FPR95 and AUPR are counted, see above")
	e.fit = f.String("fit", "", "SET: in-distribution training images, for scores that learn from them (default the train split of -id)")
	e.out = f.String("out", "", "DIR: for results.json and the raw scores (default eval inside the run)")
	e.compute = cli.ComputeFlags(f)
	e.conv = f.String("conv", "", "NAME: how 3x3 convolutions are computed: "+strings.Join(kernels.ConvAlgorithms(), ", ")+" (default that of the run)")
	e.batch = f.Int("batch", cmp.Or(x.EvalBatch, 128), "N: images at a time")
	e.certify = f.Int("certify", 0, "N: for so many images of every set, how far they can move before the energy score's decision changes; a gradient for each class")
	f.Group("For files that no run of this program has written")
	e.arch = f.String("arch", "", "NAME: architecture, where the file does not tell: "+strings.Join(models.Known(), ", "))
	e.normalize = f.String("normalize", "", "NAME: normalisation: "+strings.Join(datasets.PresetNames(), ", "))
	e.method = f.String("method", "ce", "NAME: training method, for tables")
	f.Group("Data")
	e.sets = x.Sets.Flags(f)
	return e
}

func (e *evalFlags) run(ctx context.Context, env *cli.Env, _ []string) error {
	plan, err := e.plan()
	if err != nil {
		return err
	}
	dev, err := e.compute.Open()
	if err != nil {
		return err
	}
	weights, err := cli.ReadWeights(ctx, *e.checkpoint, *e.arch, 0)
	if err != nil {
		return err
	}
	dir := e.directory()
	done, err := claimOut(dir)
	if err != nil {
		return err
	}
	defer done()
	digests := map[string]string{}
	if err := e.openSets(ctx, env, weights, plan, digests); err != nil {
		return err
	}
	if weights.Model.Reject && !e.given("scores") { // the method's own score comes first
		if plan.Scores, err = ood.ParseScores("absent," + *e.scores); err != nil {
			return err
		}
	}
	c, err := e.classifier(weights, plan, dev)
	if err != nil {
		return err
	}
	defer c.Close()
	c.Batch = *e.batch
	scored, err := Evaluate(ctx, env, c, *plan)
	if errors.Is(err, context.Canceled) {
		return &cli.Interrupted{Advice: "no results were written; the evaluation begins anew when it is run again"}
	}
	if err != nil {
		return err
	}
	if digests["checkpoint"], err = cli.FileDigest(weights.Path); err != nil {
		return err
	}
	scored.Results.Digests = digests
	scored.Results.Command = env.Invocation(e.x.Package) + " " + cli.Quote(env.Argv[1:]...)
	scored.Results.Checkpoint = *e.checkpoint
	scored.Results.Method = *e.method
	Identify(scored.Results, weights.Model, weights.Config, weights.Step())
	scored.Results.Settings = e.settings(weights)
	scored.Results.Versions["device"], scored.Results.Versions["precision"] = e.compute.Device, cli.PrecisionOf(dev)
	if err := scored.Write(dir); err != nil {
		return err
	}
	if err := printTable(env, dir, scored.Results); err != nil {
		return err
	}
	printFitted(env, scored.Results)
	printCertificates(env, scored.Results.Certificate)
	env.Say("computed on %s in %s; results.json and the raw scores are in %s", e.compute.Device, cli.PrecisionOf(dev), dir)
	return nil
}

// plan reads the flags that need no file.
func (e *evalFlags) plan() (*greg.Evaluation, error) {
	if err := e.sets.Check(); err != nil {
		return nil, err
	}
	if *e.checkpoint == "" {
		return nil, cli.Wrong("-checkpoint is needed: a run directory or a file with weights")
	}
	if len(*e.ood) == 0 {
		return nil, cli.Wrong("-ood is needed: at least one set of out-of-distribution images")
	}
	if *e.batch < 1 {
		return nil, cli.Wrong("-batch %d: at least 1 image at a time", *e.batch)
	}
	if *e.certify < 0 {
		return nil, cli.Wrong("-certify %d: a number of images, 0 for none", *e.certify)
	}
	if info, err := os.Stat(*e.checkpoint); err == nil && !info.IsDir() && *e.out == "" {
		return nil, cli.Wrong("-out is needed: %s is a file, so there is no run directory for the results", *e.checkpoint)
	}
	named := *e.ood
	if *e.id != "" {
		named = append([]string{*e.id}, named...)
	}
	if err := cli.CheckNames(named); err != nil {
		return nil, err
	}
	scores, err := ood.ParseScores(*e.scores)
	if err != nil {
		return nil, cli.Wrong("-scores: %w", err)
	}
	convention, err := ood.ParseConvention(*e.convention)
	return &greg.Evaluation{Scores: scores, Convention: convention, Certify: *e.certify}, cli.AsWrong(err)
}

// claimOut makes the directory of the results, and writes to it, before hours of
// work are for nothing. done removes it again where nothing came of it.
func claimOut(dir string) (done func(), err error) {
	_, err = os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := cli.Create(dir); err != nil {
		return nil, err
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write results: %w; choose another directory with -out", err)
	}
	return func() {
		if made {
			os.Remove(dir) // which a directory with files in it survives
		}
	}, nil
}

func (e *evalFlags) directory() string {
	if *e.out != "" {
		return *e.out
	}
	return filepath.Join(*e.checkpoint, EvalDir)
}

// openSets opens the sets of the evaluation at the size that the network was
// trained with.
func (e *evalFlags) openSets(ctx context.Context, env *cli.Env, w *cli.Weights, p *greg.Evaluation, digests map[string]string) error {
	spec := *e.id
	if spec == "" {
		rec, err := greg.ReadRecord(*e.checkpoint)
		if err != nil {
			return cli.Wrong("-id is needed: the in-distribution test set")
		}
		if spec = testSpec(rec.Sets["id"].Spec); rec.Sets["test"].Spec != "" {
			spec = rec.Sets["test"].Spec
		}
		if spec == "" {
			return cli.Wrong("-id is needed: the run was trained on %s, which names no test split", rec.Sets["id"].Spec)
		}
	}
	if err := cli.CheckNames(append([]string{spec}, *e.ood...)); err != nil {
		return err
	}
	size := e.sets.Size
	if size == 0 && w.Config != nil {
		size = w.Config.Size
	}
	open := func(spec string, train bool) (datasets.Set, error) {
		s, id, err := e.sets.Open(ctx, env, spec, cli.Want{Train: train, Size: size})
		if err == nil {
			size, _ = s.Size()
			digests[s.Name()] = id.SHA256
		}
		return s, err
	}
	var err error
	if p.ID, err = open(spec, false); err != nil {
		return err
	}
	if err := w.FitSet(env, spec, len(p.ID.Classes())); err != nil {
		return err
	}
	for _, o := range *e.ood {
		s, err := open(o, false)
		if err != nil {
			return err
		}
		p.OOD = append(p.OOD, s)
	}
	for _, s := range p.Scores {
		if s.Needs()&ood.NeedData != 0 && p.Fit == nil {
			if *e.fit != "" {
				spec = *e.fit
			}
			if p.Fit, err = open(spec, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// classifier makes the network.
func (e *evalFlags) classifier(w *cli.Weights, p *greg.Evaluation, dev kernels.Device) (*greg.Classifier, error) {
	n, err := w.Normalize(*e.normalize, p.ID.Name())
	if err != nil {
		return nil, err
	}
	m, err := w.Network(dev)
	if err != nil {
		return nil, err
	}
	c := greg.NewClassifier(m, n, dev)
	c.Conv, err = e.algorithm(w)
	return c, err
}

// algorithm is how convolutions are computed: as -conv says, or as in the run.
func (e *evalFlags) algorithm(w *cli.Weights) (kernels.ConvAlgorithm, error) {
	if *e.conv == "" && w.Config != nil {
		return w.Config.Conv, nil
	}
	a, err := kernels.ParseConvAlgorithm(*e.conv)
	if err != nil {
		return a, cli.Wrong("-conv: %w", err)
	}
	return a, nil
}

// settings are those of the run that the weights are of: of its directory or, where
// there is none around the file, what the file itself says.
func (e *evalFlags) settings(w *cli.Weights) ood.Settings {
	if w.Config == nil {
		return nil
	}
	dir := *e.checkpoint
	if IsFile(dir) {
		dir = filepath.Dir(dir)
	}
	rec, err := greg.ReadRecord(dir)
	if err != nil || !reflect.DeepEqual(rec.Config, *w.Config) {
		rec = greg.Record{Config: *w.Config}
	}
	return e.x.settingsOf(rec)
}

// Evaluate runs the evaluation with progress.
func Evaluate(ctx context.Context, env *cli.Env, c *greg.Classifier, p greg.Evaluation) (*greg.Scored, error) {
	line := env.Progress(progress.Options{Label: "eval", Total: int64(p.Images()), Unit: "images"})
	defer line.Finish()
	p.Progress = func(_ string, done, _ int) { line.Update(int64(done), int64(done)) }
	return c.Evaluate(ctx, p)
}

// Identify says in the results which network they are of; config is nil where
// that is not known.
func Identify(r *ood.Results, m models.Config, config *greg.Config, step int64) {
	r.Arch, r.Step = m.Arch, step
	p := greg.ThisProgram()
	r.Versions = map[string]string{"gradgrad": p.Version, "go": p.Go}
	if p.Commit != "" {
		r.Versions["commit"] = p.Commit
	}
	if config == nil {
		return
	}
	r.Method, r.Seed = config.Method, config.Seed
	if config.Loss.LambdaGrad != 0 {
		r.Variant = string(config.Loss.Variant)
	}
}

// printFitted prints what scores found on the in-distribution training images;
// how each candidate of a choice did is in results.json alone.
func printFitted(env *cli.Env, r *ood.Results) {
	for _, s := range r.Scores {
		var params struct{ Fitted map[string]json.RawMessage }
		if err := json.Unmarshal(s.Params, &params); err != nil || params.Fitted == nil {
			continue
		}
		delete(params.Fitted, "tried")
		if found, err := json.Marshal(params.Fitted); err == nil {
			fmt.Fprintf(env.Stdout, "%s found on in-distribution images: %s\n", s.Name, found)
		}
	}
}

// printTable prints results in the paper's layout.
func printTable(env *cli.Env, source string, r *ood.Results) error {
	t, err := report.NewTable(report.Input{Source: source, Results: r})
	if err != nil {
		return err
	}
	if err := PrintReadable(env, t); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "accuracy on %s: %.2f %%\n", r.ID, r.IDAccuracy)
	return err
}
