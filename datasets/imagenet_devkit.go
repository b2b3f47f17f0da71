package datasets

import (
	"fmt"
	"os"
	"slices"
	"strconv"
)

// devkitTruth of the development kit of ILSVRC-2012 has a line for each validation
// picture: the number of its class, which is not the place among the sorted WordNet
// ids that everybody's labels are.
const devkitTruth = "ILSVRC2012_validation_ground_truth.txt"

// devkitFolders are where the kit's files may lie.
var devkitFolders = []string{"", "data/", "ILSVRC2012_devkit_t12/data/"}

// devkitClasses are the WordNet ids of the validation pictures by name, as the kit
// tells them: numbers in devkitTruth, what they mean in meta.mat beside it. nil where
// there is no kit.
func (l location) devkitClasses() (map[string]string, error) {
	for _, folder := range devkitFolders {
		truth, _ := l.find(folder + devkitTruth)
		if truth == "" {
			continue
		}
		lines, err := l.readList(folder + devkitTruth)
		if err != nil {
			return nil, err
		}
		meta, tried := l.find(folder + "meta.mat")
		if meta == "" {
			return nil, fmt.Errorf("%s numbers the classes in an order of its own, which meta.mat tells; it is in none of: %v", truth, tried)
		}
		wnids, err := readDevkitMeta(meta)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", meta, err)
		}
		classOf := make(map[string]string, len(lines))
		for i, line := range lines {
			wnid, ok := wnids[line]
			if !ok {
				return nil, fmt.Errorf("%s: line %d is %q, which is the number of no class in %s", truth, i+1, line, meta)
			}
			classOf[fmt.Sprintf("ILSVRC2012_val_%08d", i+1)] = wnid
		}
		return classOf, nil
	}
	return nil, nil
}

// readDevkitMeta reads the WordNet ids of the classes 1 to 1,000, by number; the file
// has groups of classes behind them.
func readDevkitMeta(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, cause(err)
	}
	synsets, err := readMatStruct(file, info.Size(), "synsets")
	if err != nil {
		return nil, err
	}
	wnids := map[string]string{}
	var found []string
	for _, s := range synsets {
		if n, err := strconv.Atoi(s["ILSVRC2012_ID"]); err == nil && n >= 1 && n <= len(imageNetClasses) {
			wnids[strconv.Itoa(n)] = s["WNID"]
			found = append(found, s["WNID"])
		}
	}
	if slices.Sort(found); len(wnids) != len(imageNetClasses) || !slices.Equal(found, imageNetClasses) {
		return nil, fmt.Errorf("it does not number the %d classes of ImageNet-1k", len(imageNetClasses))
	}
	return wnids, nil
}
