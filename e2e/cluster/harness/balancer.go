package harness

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Balancer is the load balancer in front of several replicas: it sends new requests to those whose /readyz says 200.
//
// Thread: any.
type Balancer struct {
	mutex    sync.Mutex
	replicas []*Portico
	ready    []*Portico
	next     atomic.Int64
	stop     chan struct{}
}

// Load balancers ask every few seconds; grace periods are made for that, and here both are shorter.
const probeInterval = 50 * time.Millisecond

// NewBalancer balances over these, which are ready.
func NewBalancer(replicas ...*Portico) *Balancer {
	balancer := &Balancer{replicas: replicas, ready: slices.Clone(replicas), stop: make(chan struct{})}
	go balancer.probe()
	return balancer
}

// Close ends the probes.
func (b *Balancer) Close() { close(b.stop) }

func (b *Balancer) probe() {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-ticker.C:
		}
		b.mutex.Lock()
		all := slices.Clone(b.replicas)
		b.mutex.Unlock()
		ready := slices.DeleteFunc(slices.Clone(all), func(p *Portico) bool { return p.Ready() != nil })
		b.mutex.Lock()
		b.ready = ready
		b.mutex.Unlock()
	}
}

// Pick names a replica that is ready.
func (b *Balancer) Pick() *Portico {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.ready) == 0 {
		return b.replicas[0]
	}
	return b.ready[int(b.next.Add(1))%len(b.ready)]
}

// Replica by number.
func (b *Balancer) Replica(number int) *Portico {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.replicas[number]
}

// Add takes another one in.
func (b *Balancer) Add(replica *Portico) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.replicas = append(b.replicas, replica)
}

// Remove leaves one out.
func (b *Balancer) Remove(replica *Portico) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.replicas = slices.DeleteFunc(b.replicas, func(p *Portico) bool { return p == replica })
}
