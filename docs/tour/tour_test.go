package tour

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write what the programs print to their output.txt")

// TestPrograms runs the three programs and compares what they print with the
// committed output.txt of each.
func TestPrograms(t *testing.T) {
	for _, name := range []string{"1_tape", "2_second_order", "3_greg"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "program")
			if out, err := exec.Command("go", "build", "-o", program, "./"+name).CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			cmd := exec.Command(program)
			cmd.Dir = dir // where pictures land
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			got, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.Bytes())
			}
			golden := filepath.Join(name, "output.txt")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("prints\n%s\nwant\n%s", got, want)
			}
			if name == "3_greg" {
				checkPicture(t, filepath.Join(dir, "moons.png"))
			}
		})
	}
}

// checkPicture makes sure that something was drawn: many colours, on both halves.
func checkPicture(t *testing.T, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	for half := range 2 {
		colours := map[[3]uint32]bool{}
		for y := b.Min.Y; y < b.Max.Y; y += 3 {
			for x := b.Min.X; x < b.Dx()/2; x += 3 {
				r, g, bl, _ := img.At(x+half*b.Dx()/2, y).RGBA()
				colours[[3]uint32{r >> 11, g >> 11, bl >> 11}] = true
			}
		}
		if len(colours) < 20 {
			t.Errorf("half %d of the picture has %d colours; nothing was drawn?", half, len(colours))
		}
	}
}
