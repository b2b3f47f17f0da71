package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
)

// ReadCurves reads quantities from a metrics.jsonl file: one JSON object a line,
// of which member x (such as "step") is the abscissa and each of ys a curve,
// named name. Lines without x or without the quantity are passed over; null is
// NaN. A last line that was cut off by a killed run is passed over too; any
// other line that is not JSON is an error that gives its number.
func ReadCurves(path, name, x string, ys ...string) ([]Curve, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("report: training curves: %w", err)
	}
	defer f.Close()
	curves := make([]Curve, len(ys))
	for i := range curves {
		curves[i].Name = name
	}
	r := bufio.NewReader(f)
	for line := 1; ; line++ {
		text, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("report: %s: %w", path, err)
		}
		whole := err == nil
		if len(bytes.TrimSpace(text)) > 0 {
			var record map[string]any
			if bad := json.Unmarshal(text, &record); bad != nil && whole {
				return nil, fmt.Errorf("report: %s:%d: not a JSON object: %w", path, line, bad)
			}
			addPoints(curves, record, x, ys)
		}
		if !whole {
			return curves, nil
		}
	}
}

func addPoints(curves []Curve, record map[string]any, x string, ys []string) {
	at, ok := record[x].(float64)
	if !ok {
		return
	}
	for i, key := range ys {
		value, has := record[key]
		y, isNumber := value.(float64)
		if !isNumber {
			y = math.NaN()
		}
		if has && (isNumber || value == nil) {
			curves[i].X = append(curves[i].X, at)
			curves[i].Y = append(curves[i].Y, y)
		}
	}
}
