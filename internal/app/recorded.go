package app

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"gradgrad/greg"
	"gradgrad/ood"
	"gradgrad/report"
)

// sameTraining are the settings that are left out of results, so that runs which
// differ in them alone are seeds of one row of a table: the seed; how the arithmetic
// is done, to the same bits or to rounding; and the variant, which results have a
// field for. All other settings of train tell trainings apart: lengths and batches,
// loss, choice of outliers, optimiser, network and augmentation.
var sameTraining = []string{"seed", "variant", "conv", "recompute", "shard"}

// settingsOf are the settings of a run for its results: those of train but
// sameTraining, and what else decides a training, namely the training images, by their
// name, number and digest (never by where they lie), what kind of weights training
// began with (not which), the size and normalisation of images, and the precision of
// products.
func (x *Experiment) settingsOf(rec greg.Record) (settings ood.Settings) {
	c := rec.Config
	for _, s := range x.besideOwn(c) {
		if !slices.Contains(sameTraining, s.Name) {
			settings = append(settings, s)
		}
	}
	add := func(name, value string) {
		settings = append(settings, ood.Setting{Name: name, Value: value, Own: value})
	}
	for _, key := range []string{"id", "aux"} {
		if set, used := rec.Sets[key]; used {
			add(key, identity(set))
		}
	}
	if len(rec.Sets) > 0 { // the record is of a whole run
		weights := "random weights"
		if rec.Init != "" {
			weights = "trained weights"
		}
		add("init", weights)
		add("new-head", strconv.FormatBool(rec.NewHead))
		add("precision", cmp.Or(rec.Precision, "fp32"))
	}
	add("size", strconv.Itoa(c.Size))
	add("normalize", c.Normalize.Name)
	return settings
}

// identity is a set of images: the same for the same images of the same name.
func identity(s greg.SetID) string {
	name := s.Name
	if s.ClassFile != "" {
		name += " of " + filepath.Base(s.ClassFile)
	}
	return fmt.Sprintf("%s, %d images, %.12s", name, s.Images, s.SHA256)
}

// LoadTable reads results files, or directories that hold one, for a table. Results
// that do not say the settings of their run have those of the run directory that they
// lie in, if it is there.
func (x *Experiment) LoadTable(paths ...string) (*report.Table, error) {
	var inputs []report.Input
	for _, path := range paths {
		r, err := ood.ReadResults(path)
		if err != nil {
			return nil, err
		}
		if len(r.Settings) == 0 {
			r.Settings = x.settingsAround(path, r)
		}
		inputs = append(inputs, report.Input{Source: path, Results: r})
	}
	return report.NewTable(inputs...)
}

// settingsAround are the settings of the run whose directory holds the results, or the
// directory of the results; none where there is no such run, or it is of another
// method or seed.
func (x *Experiment) settingsAround(path string, r *ood.Results) ood.Settings {
	dir := path
	if IsFile(path) {
		dir = filepath.Dir(path)
	}
	for _, d := range []string{dir, filepath.Join(dir, "..")} {
		rec, err := greg.ReadRecord(d) // a config.json may be anybody's
		if err == nil && rec.Config.Method == r.Method && rec.Config.Seed == r.Seed {
			return x.settingsOf(rec)
		}
	}
	return nil
}
