package harness

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// APIProxy is a way to the API server that fails as told: it stalls, cuts, or answers 429.
//
// Thread: any.
type APIProxy struct {
	URL string

	throttled atomic.Bool
	refused   atomic.Int64 // requests answered 429

	mutex       sync.Mutex
	thawed      *sync.Cond
	frozen      bool
	refusing    bool
	connections map[*stallable]bool
}

// StartAPIProxy starts one, gone with the test.
func (c *Cluster) StartAPIProxy(t testing.TB) *APIProxy {
	t.Helper()
	c.OwnPlane(t)
	pair, err := c.Plane.authority.Issue("proxy", nil, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := &APIProxy{URL: fmt.Sprintf("https://%s", listener.Addr()), connections: map[*stallable]bool{}}
	proxy.thawed = sync.NewCond(&proxy.mutex)
	server := &http.Server{Handler: proxy.handler(c.Plane), ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		_ = server.Serve(tls.NewListener(stallingListener{listener, proxy},
			&tls.Config{Certificates: []tls.Certificate{certificate}}))
	}()
	t.Cleanup(func() {
		proxy.Cut()
		_ = server.Close()
	})
	return proxy
}

func (a *APIProxy) handler(plane *ControlPlane) http.Handler {
	target, _ := url.Parse(plane.URL())
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(plane.authority.PEM)
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}
	forward.FlushInterval = -1
	forward.ErrorLog = log.New(io.Discard, "", 0)
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if a.throttled.Load() {
			a.refused.Add(1)
			response.Header().Set("Retry-After", "1")
			response.Header().Set("Content-Type", "application/json")
			response.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(response, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"TooManyRequests","code":429}`)
			return
		}
		forward.ServeHTTP(response, request)
	})
}

// Freeze stops every byte in both directions, and closes nothing.
func (a *APIProxy) Freeze() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.frozen = true
}

// Thaw lets bytes flow again.
func (a *APIProxy) Thaw() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.frozen = false
	a.thawed.Broadcast()
}

// FreezeOpen freezes the connections that are open; new ones work.
func (a *APIProxy) FreezeOpen() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for connection := range a.connections {
		connection.stalled = true
	}
}

// Cut resets every connection.
func (a *APIProxy) Cut() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for connection := range a.connections {
		connection.closed = true
		_ = connection.Conn.(*net.TCPConn).SetLinger(0)
		_ = connection.Conn.Close()
	}
	a.thawed.Broadcast()
}

// Refuse resets every connection, open and new, while it is on.
func (a *APIProxy) Refuse(on bool) {
	a.mutex.Lock()
	a.refusing = on
	a.mutex.Unlock()
	if on {
		a.Cut()
	}
}

// Throttle answers 429 to every request while it is on. Watches that are open go on.
func (a *APIProxy) Throttle(on bool) { a.throttled.Store(on) }

// Throttled counts what was answered 429.
func (a *APIProxy) Throttled() int64 { return a.refused.Load() }

type stallingListener struct {
	net.Listener
	proxy *APIProxy
}

func (s stallingListener) Accept() (net.Conn, error) {
	for {
		connection, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s.proxy.mutex.Lock()
		if s.proxy.refusing {
			s.proxy.mutex.Unlock()
			_ = connection.(*net.TCPConn).SetLinger(0)
			_ = connection.Close()
			continue
		}
		stalling := &stallable{Conn: connection, proxy: s.proxy}
		s.proxy.connections[stalling] = true
		s.proxy.mutex.Unlock()
		return stalling, nil
	}
}

// stallable is a connection whose bytes wait while it is frozen.
type stallable struct {
	net.Conn
	proxy   *APIProxy
	stalled bool // guarded by the proxy's mutex, as is
	closed  bool
}

func (s *stallable) wait() error {
	s.proxy.mutex.Lock()
	defer s.proxy.mutex.Unlock()
	for (s.proxy.frozen || s.stalled) && !s.closed {
		s.proxy.thawed.Wait()
	}
	if s.closed {
		return net.ErrClosed
	}
	return nil
}

// What arrives while it is frozen is held back as well.
func (s *stallable) Read(into []byte) (int, error) {
	count, err := s.Conn.Read(into)
	if err == nil {
		err = s.wait()
	}
	return count, err
}

func (s *stallable) Write(from []byte) (int, error) {
	if err := s.wait(); err != nil {
		return 0, err
	}
	return s.Conn.Write(from)
}

func (s *stallable) Close() error {
	s.proxy.mutex.Lock()
	s.closed = true
	delete(s.proxy.connections, s)
	s.proxy.thawed.Broadcast()
	s.proxy.mutex.Unlock()
	return s.Conn.Close()
}
