// Package fetch downloads the files of published data sets, once.
//
// [Sources] is the table: each file with its addresses and the digest that was
// published for it. A [Fetcher] brings one into a data folder:
//
//	f := fetch.Fetcher{Dir: folder}
//	for _, s := range fetch.For("svhn") {
//		got, err := f.Get(ctx, s)
//		...
//	}
//
// A file appears under its name only when it is whole and, where a digest is
// known, has that digest; until then it is DIR/.fetch/FILE.part. A download that
// ends early, by a broken connection, by cancellation or by kill -9, is taken up
// where it ended (HTTP ranges, guarded by If-Range), from any of the addresses.
// A file that is there and right is not downloaded again. One process at a time
// downloads into a folder.
//
// Where no digest was published, the first download records one
// (DIR/.fetch/FILE.json): [Fetcher.Verify] then tells whether the file has
// changed. What can be checked of such a file is: that it is as long as the
// server said, of the right format, and not cut off.
package fetch
