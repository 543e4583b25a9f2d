package harness

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Traffic is a steady stream of requests, each of which must succeed.
type Traffic struct {
	stop chan struct{}
	done sync.WaitGroup

	mutex    sync.Mutex
	requests int
	failures []string
}

const (
	clients      = 4
	requestEvery = 20 * time.Millisecond // of each client
)

// StartTraffic sends requests for a URL, to the Portico that `pick` names for each, until it is stopped.
func StartTraffic(url string, pick func() *Portico) *Traffic {
	traffic := &Traffic{stop: make(chan struct{})}
	for range clients {
		traffic.done.Add(1)
		go traffic.send(url, pick)
	}
	return traffic
}

func (s *Traffic) send(url string, pick func() *Portico) {
	defer s.done.Done()
	ticker := time.NewTicker(requestEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		answer, err := pick().Get(url)
		s.mutex.Lock()
		s.requests++
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("%d: %s", answer.Status, answer.Body)
		}
		if err != nil {
			s.failures = append(s.failures, fmt.Sprintf("%s %v", time.Now().Format("15:04:05.000"), err))
		}
		s.mutex.Unlock()
	}
}

// Stop ends it and fails the test where any request failed.
func (s *Traffic) Stop(t testing.TB) {
	t.Helper()
	close(s.stop)
	s.done.Wait()
	if s.requests == 0 {
		t.Error("no request was sent")
	}
	if len(s.failures) > 0 {
		t.Errorf("%d of %d requests failed; first: %v", len(s.failures), s.requests, s.failures[:min(5, len(s.failures))])
	}
	t.Logf("%d requests, %d failed", s.requests, len(s.failures))
}
