// Package cluster tests Portico against a real API server. See ../README.md.
package cluster

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"portico.dev/portico/e2e/cluster/harness"
)

// The cluster that all tests share; each has namespaces, and mostly a Portico, of its own.
var cluster *harness.Cluster

func TestMain(m *testing.M) { os.Exit(harness.Main(m, &cluster)) }

// longer is for what `./dev test --all` gives more time: the second value there, the first elsewhere.
func longer(short, long time.Duration) time.Duration {
	if os.Getenv("PORTICO_LONG_TESTS") != "" {
		return long
	}
	return short
}

func keys[V any](set map[string]V) []string { return slices.Sorted(maps.Keys(set)) }
