// Package stats sums up samples.
package stats

import (
	"math"
	"slices"
	"time"
)

// percentile returns the smallest sample that is not below the share p, between 0
// and 1, of all samples; 0 if there are none. It sorts them.
func percentile(samples []int64, p float64) int64 {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	i := int(math.Ceil(p*float64(len(samples)))) - 1
	return samples[min(max(i, 0), len(samples)-1)]
}

// Milliseconds is a percentile of samples in nanoseconds.
func Milliseconds(samples []int64, p float64) float64 {
	return float64(percentile(samples, p)) / float64(time.Millisecond)
}

// Microseconds is a time in microseconds.
func Microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Median of an odd number of values is the middle one, of an even number the mean of
// the middle two; of none, 0.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
