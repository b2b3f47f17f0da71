package gradgrad

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors says which packages of the project a package may import; what is not
// listed may import none. Programs (cmd, docs/tour) may import all. An entry
// ending in / stands for all packages below.
var floors = map[string][]string{
	"kernels":             {},
	"autograd":            {"kernels"},
	"autograd/gradcheck":  {"autograd", "kernels"},
	"optim":               {"autograd", "kernels", "checkpoint"},
	"kmeans":              {"kernels"},
	"layers":              {"autograd", "kernels"},
	"checkpoint":          {"internal/atomicfile"},
	"models":              {"layers", "checkpoint", "autograd", "kernels"},
	"datasets":            {},
	"datasets/fetch":      {"internal/atomicfile", "internal/dirlock"},
	"ood":                 {"internal/atomicfile", "internal/number"},
	"greg":                {"models", "datasets", "layers", "checkpoint", "optim", "kmeans", "autograd", "kernels", "ood", "internal/atomicfile", "internal/dirlock"},
	"report":              {"ood", "greg", "internal/atomicfile"},
	"report/progress":     {},
	"internal/atomicfile": {},
	"internal/dirlock":    {},
	"internal/machine":    {},
	"internal/number":     {},
	"internal/sweep":      {},
	"internal/testkit":    {},
	"internal/tsne":       {},
	"kernels/cuda":        {"kernels", "kernels/cuda/ptx", "kernels/cuda/ptxsim", "internal/cudrv"},
	"kernels/cuda/ptx":    {},
	"kernels/cuda/ptxsim": {},
	"internal/cudrv":      {},
	"internal/cli":        {"report", "report/progress", "greg", "ood", "models", "datasets", "checkpoint", "autograd", "kernels", "kernels/cuda", "internal/atomicfile", "internal/number"},
	"internal/app":        {"internal/cli", "internal/number", "internal/sweep", "internal/tsne", "internal/atomicfile", "report", "report/progress", "greg", "ood", "models", "datasets", "datasets/fetch", "kernels", "kernels/cuda"},
}

type listed struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	Imports    []string
}

// packages asks the go command for the packages of the module.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func local(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "gradgrad/")
	return rest, ok
}

// isProgram tells the top floor from the others.
func isProgram(p listed) bool {
	return p.Name == "main" || strings.HasSuffix(p.ImportPath, "/docs/tour")
}

// TestFloors keeps the imports going down and never around.
func TestFloors(t *testing.T) {
	for _, p := range packages(t) {
		name, ok := local(p.ImportPath)
		if !ok || isProgram(p) {
			continue
		}
		allowed, known := floors[name]
		if !known {
			t.Errorf("package %s has no floor; add it to floors and to docs/architecture.md", name)
		}
		for _, imp := range p.Imports {
			if dep, ok := local(imp); ok && !slices.Contains(allowed, dep) {
				t.Errorf("%s imports %s, which is not below it", name, dep)
			}
		}
	}
}

// TestPackageDocs wants every package to say what it is for, in more than a word.
func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.Doc) < 30 {
			t.Errorf("%s has no package comment worth the name", p.ImportPath)
		}
	}
}

// TestOnlyProgramsPrint keeps the packages silent: files and standard output
// belong to programs.
func TestOnlyProgramsPrint(t *testing.T) {
	for _, p := range packages(t) {
		if _, ok := local(p.ImportPath); !ok || isProgram(p) {
			continue
		}
		for _, file := range goFiles(t, p.Dir) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"fmt.Print", "os.Exit(", "log.Print", "log.Fatal", "println("} {
				if strings.Contains(string(src), call) && !strings.Contains(string(src), "go:build ignore") {
					t.Errorf("%s calls %s", file, call)
				}
			}
		}
	}
}

// goFiles lists the non-test sources of a directory.
func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		if n := e.Name(); strings.HasSuffix(n, ".go") && !strings.HasSuffix(n, "_test.go") {
			files = append(files, filepath.Join(dir, n))
		}
	}
	return files
}

// maxLines is the longest source that is still one idea.
const maxLines = 400

// TestFileLength keeps sources readable in one sitting; generated ones say so.
func TestFileLength(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return err
		}
		for _, c := range f.Comments {
			if strings.HasPrefix(c.List[0].Text, "// Code generated") {
				return nil
			}
		}
		if n := strings.Count(string(src), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: it holds more than one idea", path, n, maxLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
