package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"gradgrad/datasets/fetch"
)

// A lab has its own copy of a file: it is asked first, and what it gives is
// accepted only with the published digest.
func Example() {
	lab := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "Places365_test_00000013.jpg\n")
	}))
	defer lab.Close()
	dir, err := os.MkdirTemp("", "data")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	list := fetch.Source{Set: "demo", File: "list.txt", SHA256: "64a4d2ad4d78e7fbda34c5e5f3e3f2e2a0e5a1a4e8ab30cf0bb8fe4a2a7b8f6e"}
	f := fetch.Fetcher{Dir: dir, Mirrors: []string{lab.URL}}
	if _, err = f.Get(context.Background(), list); err != nil {
		fmt.Println("refused: the lab's copy is another file")
	}
	list.SHA256 = "" // nobody published a digest: that of the first download is recorded
	got, err := f.Get(context.Background(), list)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := f.Get(context.Background(), list)
	fmt.Println(got.Bytes, got.Downloaded, got.Published, again.Downloaded, err)
	// Output:
	// refused: the lab's copy is another file
	// 28 28 false 0 <nil>
}
