package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/ood"
)

const judgeHelp = `Prints one line for each picture: in or out, its score (larger means in-distribution), the threshold, the class
that the network sees in it, and its path. A path is a picture, a folder (with all folders in it, but not those that it
holds links to), or - for a list of paths on standard input, one a line. The model comes from detect calibrate.

Pictures are JPEG, PNG, BMP and TIFF; WebP, PPM and PGM files in a folder are named as pictures that could not be read.

Exit codes: 0 all pictures are in-distribution, 3 at least one is out, 1 an error or a picture that could not be read.

Example: detect -model m.safetensors photos/ cat.png
         find . -name '*.jpg' | detect -model m.safetensors -json - | jq -r 'select(.decision=="out").path'`

// anyOut is the exit code when a picture is out of distribution.
const anyOut = 3

type judgeFlags struct {
	model     *string
	compute   *cli.Compute
	threshold *float64
	asJSON    *bool
	batch     *int
	given     func(string) bool
	precision string // that the device computes in
}

func setupJudge(f *cli.Flags) cli.Action {
	j := &judgeFlags{given: f.Given}
	j.model = f.String("model", "", "FILE: a detector that calibrate has written")
	j.threshold = f.Float("threshold", 0, "X: another threshold than the model's")
	j.asJSON = f.Bool("json", false, "a line of JSON for each picture")
	j.batch = f.Int("batch", 64, "N: pictures at a time")
	j.compute = cli.ComputeFlags(f)
	return j.run
}

func (j *judgeFlags) run(ctx context.Context, env *cli.Env, args []string) error {
	switch {
	case *j.model == "":
		return cli.Wrong("-model is needed: a file that detect calibrate has written")
	case len(args) == 0:
		return cli.Wrong("name at least one picture or folder, or - for a list on standard input")
	case math.IsNaN(*j.threshold):
		return cli.Wrong("-threshold NaN: no score reaches it or fails to")
	case *j.batch < 1:
		return cli.Wrong("-batch %d: at least 1 picture at a time", *j.batch)
	}
	dev, err := j.compute.Open()
	if err != nil {
		return err
	}
	j.precision = cli.PrecisionOf(dev)
	d, err := greg.OpenDetector(ctx, *j.model, dev)
	if errors.Is(err, greg.ErrNoDetector) {
		return fmt.Errorf("%w; make a detector of it with: %s %s", err, env.Invocation(pkg), cli.Quote("calibrate", "-model", *j.model, "-id", "SET", "-out", "m.safetensors"))
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if j.given("threshold") {
		d.Threshold = *j.threshold
	}
	return j.judge(ctx, env, d, args)
}

// judge prints the verdicts on all pictures, then says by its error what became
// of them.
func (j *judgeFlags) judge(ctx context.Context, env *cli.Env, d *greg.Detector, args []string) error {
	var seen, out, bad int
	for batch, err := range pictures(ctx, args, *j.batch) {
		if err != nil {
			return err
		}
		for _, p := range batch {
			if p.err != nil {
				env.Complain("%s: %v", p.path, p.err)
				bad++
			}
		}
		good := readable(batch)
		if len(good.pictures) == 0 {
			continue
		}
		verdicts, err := d.Judge(ctx, good.pictures...)
		if err != nil {
			return err
		}
		for i, v := range verdicts {
			seen++
			if v.Decision == ood.Out {
				out++
			}
			if err := j.print(env, d, good.paths[i], v); err != nil {
				return err
			}
		}
	}
	switch {
	case seen+bad == 0:
		return fmt.Errorf("there are no pictures in what was named")
	case bad > 0:
		return fmt.Errorf("%d of %d pictures could not be read", bad, seen+bad)
	case out > 0:
		return &cli.Outcome{Code: anyOut}
	}
	return nil
}

// line is a verdict as JSON.
type line struct {
	Path      string  `json:"path"`
	Decision  string  `json:"decision"`
	Score     float64 `json:"score"`
	Threshold float64 `json:"threshold"`
	Class     string  `json:"class"`
	Precision string  `json:"precision"`
}

func (j *judgeFlags) print(env *cli.Env, d *greg.Detector, path string, v greg.Verdict) (err error) {
	if *j.asJSON {
		return json.NewEncoder(env.Stdout).Encode(line{path, v.Decision.String(), v.Score, d.Threshold, v.Class, j.precision})
	}
	_, err = fmt.Fprintf(env.Stdout, "%-3s  %10.4f  %10.4f  %-12s  %s\n", v.Decision, v.Score, d.Threshold, v.Class, path)
	return err
}
