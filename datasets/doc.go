// Package datasets reads image sets and turns them into batches.
package datasets
