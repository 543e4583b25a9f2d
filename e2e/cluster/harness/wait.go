package harness

import (
	"fmt"
	"testing"
	"time"
)

// Patience is how long something may take that takes a moment: generous, because a machine may be busy. What is
// measured is measured by ../measure.
const Patience = 60 * time.Second

const pollInterval = 10 * time.Millisecond

// poll asks until `check` has no complaint, and returns the last one at the deadline.
func poll(limit time.Duration, check func() error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("not so after %s: %w", limit, err)
		case <-ticker.C:
		}
	}
}

// Eventually polls until `check` has no complaint, and returns how long that took.
func Eventually(t testing.TB, what string, check func() error) time.Duration {
	t.Helper()
	return Within(t, Patience, what, check)
}

// Within is Eventually with a limit of its own.
func Within(t testing.TB, limit time.Duration, what string, check func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := poll(limit, check); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return time.Since(begin)
}

// Throughout asks again and again for as long, and fails at the first complaint.
func Throughout(t testing.TB, duration time.Duration, what string, check func() error) {
	t.Helper()
	end := time.NewTimer(duration)
	defer end.Stop()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if err := check(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-end.C:
			return
		case <-ticker.C:
		}
	}
}
