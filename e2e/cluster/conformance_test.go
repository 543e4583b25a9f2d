package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portico.dev/portico/e2e/cluster/harness"
)

// The 30 rows of the Ingress conformance cases (Kubernetes SIG Network): default backend 6, host rules 6, path rules
// 16, class 1, load balancing 1. Requests go to the address that the Ingress's status names, ports 80 and 443.

// conformer is a Portico at an address of its own, which it publishes.
type conformer struct {
	*harness.Portico
	namespace string
	address   string
}

var conformers atomic.Int64

func conform(t *testing.T) conformer {
	t.Helper()
	cluster.OwnPlane(t)
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	// In the pods' network, where no pod is.
	address := fmt.Sprintf("10.244.254.%d", conformers.Add(1))
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace, Address: address,
		Flags: []string{"--publish-status-address", address}})
	return conformer{portico, namespace, address}
}

// statusAddress waits for the Ingress's status and returns its address.
func (c conformer) statusAddress(t *testing.T, name string) string {
	t.Helper()
	var address string
	harness.Eventually(t, "an address in the status of "+name, func() error {
		ingress, err := cluster.Client.NetworkingV1().Ingresses(c.namespace).Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(ingress.Status.LoadBalancer.Ingress) == 0 {
			return fmt.Errorf("its status is empty")
		}
		address = ingress.Status.LoadBalancer.Ingress[0].IP
		return nil
	})
	if address != c.address {
		t.Fatalf("the status says %q, wanted %q", address, c.address)
	}
	return address
}

// clientTo sends everything to the ports 80 and 443 of an address.
func clientTo(address string, authority *harness.Authority) *http.Client {
	client := &http.Client{Timeout: harness.Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, target string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(target)
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(address, port))
	}
	if authority != nil {
		transport.TLSClientConfig.RootCAs = authority.Pool()
	}
	client.Transport = transport
	return client
}

func send(t *testing.T, client *http.Client, method, target string) *harness.Answer {
	t.Helper()
	request, err := http.NewRequest(method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("User-Agent", "portico-conformance")
	answer, err := harness.Do(client, request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// awaitServed polls until the Ingress is in effect: its status says where, not since when.
func (c conformer) awaitServed(t *testing.T, client *http.Client, target string) {
	t.Helper()
	c.InEffect(t, target, func() error {
		request, err := http.NewRequest(http.MethodGet, target, nil)
		if err != nil {
			return err
		}
		answer, err := harness.Do(client, request)
		if err == nil && answer.Status != http.StatusOK {
			err = fmt.Errorf("it answers %d", answer.Status)
		}
		return err
	})
}

func TestConformanceDefaultBackend(t *testing.T) {
	t.Parallel()
	c := conform(t)
	cluster.Deployment(t, c.namespace, "default-service", 1)
	ingress := harness.Ingress(c.namespace, "default-backend", c.Class)
	backend := harness.Backend("default-service", harness.ServicePort)
	ingress.Spec.DefaultBackend = &backend
	cluster.Apply(t, ingress)
	client := clientTo(c.statusAddress(t, "default-backend"), nil)
	c.awaitServed(t, client, "http://my-host/")

	for _, row := range []struct{ method, host, path string }{
		{"GET", "my-host", "/"},
		{"GET", "my-host", "/sub-path"},
		{"POST", "some-host", "/"},
		{"PUT", "", "/resource"},
		{"DELETE", "some-host", "/resource"},
		{"PATCH", "my-host", "/resource"},
	} {
		t.Run(fmt.Sprintf("%s %s%s", row.method, row.host, row.path), func(t *testing.T) {
			host := row.host
			if host == "" {
				host = c.address
			}
			answer := send(t, client, row.method, "http://"+host+row.path)
			if answer.Status != 200 || answer.Service != "default-service" || answer.Namespace != c.namespace {
				t.Fatalf("%d from %q", answer.Status, answer.Service)
			}
			if answer.Proto != "HTTP/1.1" {
				t.Errorf("answered in %s", answer.Proto)
			}
			for _, name := range []string{"Content-Type", "Date", "Server"} {
				if answer.Header.Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
			if answer.Length < 0 {
				t.Error("no Content-Length")
			}
			if answer.Method != row.method || answer.Captured.Path != row.path {
				t.Errorf("the pod saw %s %s", answer.Method, answer.Captured.Path)
			}
			if agents := answer.Headers["User-Agent"]; len(agents) != 1 || agents[0] != "portico-conformance" {
				t.Errorf("the pod saw User-Agent %q", agents)
			}
		})
	}
}

func TestConformanceHostRules(t *testing.T) {
	t.Parallel()
	c := conform(t)
	authority, err := harness.NewAuthority("conformance")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue("foo.bar.com", nil, "foo.bar.com")
	if err != nil {
		t.Fatal(err)
	}
	cluster.Secret(t, c.namespace, "conformance-tls", pair)
	cluster.Deployment(t, c.namespace, "wildcard-foo-com", 1)
	cluster.Deployment(t, c.namespace, "foo-bar-com", 1)
	ingress := harness.Ingress(c.namespace, "host-rules", c.Class,
		harness.Rule("*.foo.com", harness.Path(networkingv1.PathTypePrefix, "/", "wildcard-foo-com", harness.ServicePort)),
		harness.Rule("foo.bar.com", harness.Path(networkingv1.PathTypePrefix, "/", "foo-bar-com", 0)))
	ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"foo.bar.com"}, SecretName: "conformance-tls"}}
	cluster.Apply(t, ingress)
	client := clientTo(c.statusAddress(t, "host-rules"), authority)
	c.awaitServed(t, client, "http://bar.foo.com/")
	c.awaitServed(t, client, "https://foo.bar.com/")

	t.Run("https of the host with a certificate verifies and is served", func(t *testing.T) {
		answer := send(t, client, "GET", "https://foo.bar.com/")
		if answer.Status != 200 || answer.Service != "foo-bar-com" || answer.Host != "foo.bar.com" {
			t.Errorf("%d from %q for %q", answer.Status, answer.Service, answer.Host)
		}
	})
	t.Run("http of the host with a certificate leads to what serves", func(t *testing.T) {
		answer := send(t, client, "GET", "http://foo.bar.com/")
		for answer.Status >= 300 && answer.Status < 400 {
			location, err := url.Parse(answer.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			answer = send(t, client, "GET", location.String())
		}
		if answer.Status != 200 || answer.Service != "foo-bar-com" {
			t.Errorf("%d from %q", answer.Status, answer.Service)
		}
	})
	for _, row := range []struct {
		host, service string
		status        int
	}{
		{"other.bar.com", "", 404},
		{"bar.foo.com", "wildcard-foo-com", 200},
		{"baz.bar.foo.com", "", 404},
		{"foo.com", "", 404},
	} {
		t.Run(row.host, func(t *testing.T) { expect(t, client, row.host, "/", row.status, row.service) })
	}
}

// expect polls: a Deployment is ready before its EndpointSlices are there, and another Service's may be first.
func expect(t *testing.T, client *http.Client, host, path string, status int, service string) {
	t.Helper()
	harness.Eventually(t, host+path, func() error {
		answer := send(t, client, "GET", "http://"+host+path)
		if answer.Status != status || answer.Service != service {
			return fmt.Errorf("%d from %q, wanted %d from %q", answer.Status, answer.Service, status, service)
		}
		if status == 200 && (answer.Captured.Path != path || answer.Host != host) {
			t.Errorf("the pod saw %q of %q", answer.Captured.Path, answer.Host)
		}
		return nil
	})
}

func TestConformancePathRules(t *testing.T) {
	t.Parallel()
	c := conform(t)
	const exact, prefix = networkingv1.PathTypeExact, networkingv1.PathTypePrefix
	path := func(kind networkingv1.PathType, path, service string) networkingv1.HTTPIngressPath {
		return harness.Path(kind, path, service, harness.ServicePort)
	}
	for _, service := range []string{"foo-exact", "foo-prefix", "aaa-slash-bbb-prefix", "aaa-prefix",
		"aaa-slash-bbb-slash-prefix", "foo-slash-exact"} {
		cluster.Deployment(t, c.namespace, service, 1)
	}
	cluster.Apply(t, harness.Ingress(c.namespace, "path-rules", c.Class,
		harness.Rule("exact-path-rules", path(exact, "/foo", "foo-exact")),
		harness.Rule("prefix-path-rules", path(prefix, "/foo", "foo-prefix"),
			path(prefix, "/aaa/bbb", "aaa-slash-bbb-prefix"), path(prefix, "/aaa", "aaa-prefix")),
		harness.Rule("mixed-path-rules", path(prefix, "/foo", "foo-prefix"), path(exact, "/foo", "foo-exact")),
		harness.Rule("trailing-slash-path-rules", path(prefix, "/aaa/bbb/", "aaa-slash-bbb-slash-prefix"),
			path(exact, "/foo/", "foo-slash-exact"))))
	client := clientTo(c.statusAddress(t, "path-rules"), nil)
	c.awaitServed(t, client, "http://exact-path-rules/foo")

	for _, row := range []struct {
		rule, host, path, service string
	}{
		{"exact /foo matches /foo", "exact-path-rules", "/foo", "foo-exact"},
		{"exact /foo does not match /foo/", "exact-path-rules", "/foo/", ""},
		{"exact is case sensitive", "exact-path-rules", "/FOO", ""},
		{"exact /foo does not match /bar", "exact-path-rules", "/bar", ""},
		{"prefix /foo matches /foo", "prefix-path-rules", "/foo", "foo-prefix"},
		{"prefix /foo matches /foo/", "prefix-path-rules", "/foo/", "foo-prefix"},
		{"prefix is case sensitive", "prefix-path-rules", "/FOO", ""},
		{"the longest prefix wins", "prefix-path-rules", "/aaa/bbb", "aaa-slash-bbb-prefix"},
		{"the longest prefix wins for /aaa/bbb/", "prefix-path-rules", "/aaa/bbb/", "aaa-slash-bbb-prefix"},
		{"the longest prefix wins for what is below it", "prefix-path-rules", "/aaa/bbb/ccc", "aaa-slash-bbb-prefix"},
		{"the shorter prefix serves the rest", "prefix-path-rules", "/aaa/ccc", "aaa-prefix"},
		{"a prefix matches whole segments", "prefix-path-rules", "/aaaccc", ""},
		{"exact wins over prefix", "mixed-path-rules", "/foo", "foo-exact"},
		{"prefix /aaa/bbb/ matches /aaa/bbb", "trailing-slash-path-rules", "/aaa/bbb", "aaa-slash-bbb-slash-prefix"},
		{"prefix /aaa/bbb/ matches /aaa/bbb/", "trailing-slash-path-rules", "/aaa/bbb/", "aaa-slash-bbb-slash-prefix"},
		{"exact /foo/ does not match /foo", "trailing-slash-path-rules", "/foo", ""},
	} {
		t.Run(row.rule, func(t *testing.T) {
			status := 200
			if row.service == "" {
				status = 404
			}
			expect(t, client, row.host, row.path, status, row.service)
		})
	}
}

func TestConformanceAnUnknownClassKeepsItsStatusEmpty(t *testing.T) {
	t.Parallel()
	c := conform(t)
	cluster.Service(t, c.namespace, "shop", 1)
	cluster.Apply(t, harness.Ingress(c.namespace, "ours", c.Class, harness.Everything("ours.test", "shop")))
	cluster.Apply(t, harness.Ingress(c.namespace, "theirs", "some-invalid-class-name", harness.Everything("theirs.test", "shop")))
	c.statusAddress(t, "ours")
	harness.Throughout(t, longer(2*time.Second, 10*time.Second), "the status of an Ingress of an unknown class", func() error {
		ingress, err := cluster.Client.NetworkingV1().Ingresses(c.namespace).Get(context.Background(), "theirs", metav1.GetOptions{})
		if err == nil && len(ingress.Status.LoadBalancer.Ingress) > 0 {
			err = fmt.Errorf("it says %v", ingress.Status.LoadBalancer.Ingress)
		}
		return err
	})
}

func TestConformanceLoadBalancing(t *testing.T) {
	t.Parallel()
	c := conform(t)
	cluster.Deployment(t, c.namespace, "echo-service", 1)
	cluster.Apply(t, harness.Ingress(c.namespace, "load-balancing", c.Class,
		harness.Rule("load-balancing", harness.Path(networkingv1.PathTypeExact, "/", "echo-service", harness.ServicePort))))
	client := clientTo(c.statusAddress(t, "load-balancing"), nil)
	c.awaitServed(t, client, "http://load-balancing/")
	cluster.Scale(t, c.namespace, "echo-service", 10)

	harness.Eventually(t, "100 requests answered by all ten pods", func() error {
		names := map[string]bool{}
		for range 100 {
			answer := send(t, client, "GET", "http://load-balancing/")
			if answer.Status != 200 {
				t.Fatalf("answered %d", answer.Status)
			}
			names[answer.Pod] = true
		}
		if len(names) != 10 {
			return fmt.Errorf("%d names seen: %v", len(names), strings.Join(keys(names), " "))
		}
		return nil
	})
}
