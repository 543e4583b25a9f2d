package harness

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// Identity is what a pod says of itself.
type Identity struct {
	Namespace string `json:"namespace"`
	Ingress   string `json:"ingress"`
	Service   string `json:"service"`
	Pod       string `json:"pod"`
}

// Captured is what a pod answers: who it is and what it was sent, in the words of the Ingress conformance suite.
type Captured struct {
	Path    string              `json:"path"`
	Host    string              `json:"host"`
	Method  string              `json:"method"`
	Proto   string              `json:"proto"`
	Headers map[string][]string `json:"headers"`
	Identity
}

// Pods is every pod of the cluster: one HTTP server that tells from the address it was reached on which it plays.
//
// Thread: any.
type Pods struct {
	server *http.Server
	// Where all pods listen; 0 where each has a port of its own.
	port  int
	local net.IP

	mutex  sync.Mutex
	known  map[string]Identity // by address:port
	number int
}

// Pod is where one of them is reached.
type Pod struct {
	Address string
	Port    int32
}

// startPods plays pods at addresses of 10.244.0.0/16.
func startPods() (*Pods, error) {
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	pods := newPods()
	pods.port = listener.Addr().(*net.TCPAddr).Port
	go func() { _ = pods.server.Serve(knownOnly{listener, pods}) }()
	return pods, nil
}

// startPodsAt plays pods at one address, each on a port of its own.
func startPodsAt(address net.IP) *Pods {
	pods := newPods()
	pods.local = address
	return pods
}

func newPods() *Pods {
	pods := &Pods{known: map[string]Identity{}}
	pods.server = &http.Server{Handler: http.HandlerFunc(pods.answer)}
	return pods
}

// Port is where all pods listen.
func (p *Pods) Port() int32 { return int32(p.port) }

// Add brings a pod to life.
func (p *Pods) Add(identity Identity) (Pod, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	pod := Pod{Port: int32(p.port)}
	if p.local != nil {
		listener, err := net.Listen("tcp4", net.JoinHostPort(p.local.String(), "0"))
		if err != nil {
			return Pod{}, err
		}
		pod = Pod{p.local.String(), int32(listener.Addr().(*net.TCPAddr).Port)}
		go func() { _ = p.server.Serve(knownOnly{listener, p}) }()
	} else {
		p.number++
		pod.Address = fmt.Sprintf("10.244.%d.%d", 1+p.number/250%250, 1+p.number%250)
	}
	p.known[pod.key()] = identity
	return pod, nil
}

// Remove ends a pod: from now on its connections are closed as soon as they are opened.
func (p *Pods) Remove(pod Pod) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.known, pod.key())
}

func (p Pod) key() string { return net.JoinHostPort(p.Address, fmt.Sprint(p.Port)) }

func (p *Pods) identity(address string) (Identity, bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	identity, known := p.known[address]
	return identity, known
}

func (p *Pods) answer(response http.ResponseWriter, request *http.Request) {
	address := request.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
	identity, known := p.identity(address)
	if !known {
		// Its pod ended while the connection was idle.
		panic(http.ErrAbortHandler)
	}
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Server", "pod")
	_ = json.NewEncoder(response).Encode(Captured{
		Path: request.URL.RequestURI(), Host: request.Host, Method: request.Method, Proto: request.Proto,
		Headers: request.Header, Identity: identity,
	})
}

// knownOnly accepts for pods that live.
type knownOnly struct {
	net.Listener
	pods *Pods
}

func (k knownOnly) Accept() (net.Conn, error) {
	for {
		connection, err := k.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if _, known := k.pods.identity(connection.LocalAddr().String()); known {
			return connection, nil
		}
		_ = connection.(*net.TCPConn).SetLinger(0)
		_ = connection.Close()
	}
}
