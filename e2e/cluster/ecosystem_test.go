package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portico.dev/portico/e2e/cluster/harness"
)

// Objects as other tools make them, and what those tools read.

// solver makes what cert-manager makes for an HTTP-01 challenge: a pod, its Service of type NodePort, and an Ingress of
// its own for the host, with the token's Exact path, the class in the annotation, and an allow list that allows all.
func solver(t *testing.T, namespace, class, host, token string) {
	t.Helper()
	ctx, name := context.Background(), "cm-acme-http-solver-x7k2p"
	labels := map[string]string{
		"acme.cert-manager.io/http-domain": "1194632189", "acme.cert-manager.io/http-token": "844126437",
		"acme.cert-manager.io/http01-solver": "true",
	}
	identified := map[string]string{"e2e.portico.dev/service": name}
	for key, value := range labels {
		identified[key] = value
	}
	_, err := cluster.Client.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "cm-acme-http-solver-hc4dz", Labels: identified,
			Annotations: map[string]string{"sidecar.istio.io/inject": "false"}},
		Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyOnFailure, Containers: []corev1.Container{{
			Name: "acmesolver", Image: "acmesolver",
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: cluster.Pods.Port()}}}}},
	}, metav1.CreateOptions{})
	must(t, err)
	_, err = cluster.Client.CoreV1().Services(namespace).Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{"auth.istio.io/8089": "NONE"}},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: labels,
			Ports: []corev1.ServicePort{{Name: "http", Port: 8089, TargetPort: intstr.FromString("http")}}},
	}, metav1.CreateOptions{})
	must(t, err)
	ingress := harness.Ingress(namespace, name, class, harness.Rule(host,
		harness.Path(networkingv1.PathTypeExact, "/.well-known/acme-challenge/"+token, name, 8089)))
	ingress.Labels = labels
	ingress.Spec.IngressClassName = nil
	ingress.Annotations = map[string]string{
		"kubernetes.io/ingress.class":                        class,
		"nginx.ingress.kubernetes.io/whitelist-source-range": "0.0.0.0/0,::/0",
	}
	cluster.Apply(t, ingress)
}

// asAuthority asks as an ACME server does: plain first, following redirects, verifying no certificate (RFC 8555 8.3).
func asAuthority(portico *harness.Portico, url string) (*harness.Answer, error) {
	client := portico.Client(x509.NewCertPool())
	client.CheckRedirect = nil
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	defer client.CloseIdleConnections()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return harness.Do(client, request)
}

func TestCertManagersSolverIsReachedBesideTheHostsOwnIngress(t *testing.T) {
	t.Parallel()
	cluster.OwnPlane(t)
	const token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	namespace, portico := served(t)
	cluster.Apply(t, withTLS(harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")), "shop.test"))
	solver(t, namespace, namespace, "shop.test", token)
	challenge := "http://shop.test/.well-known/acme-challenge/" + token
	reached := func() error {
		answer, err := asAuthority(portico, challenge)
		if err == nil && (answer.Status != 200 || answer.Service != "cm-acme-http-solver-x7k2p") {
			err = fmt.Errorf("%d from %q", answer.Status, answer.Service)
		}
		return err
	}
	portico.InEffect(t, "the first issue", reached)
	must(t, portico.Serves("http://shop.test/", "shop"))
	must(t, portico.Serves("http://shop.test/.well-known/acme-challenge/another", "shop"))

	// At renewal the host has its certificate already.
	cluster.Secret(t, namespace, "shop.test-tls", certificateFor(t, "shop.test"))
	harness.Eventually(t, "https", func() error { return portico.Answers("http://shop.test/", 308) })
	portico.InEffect(t, "the renewal", reached)
	must(t, portico.Answers(challenge, 200)) // without the way round by https

	// What it made is gone when the challenge is met.
	must(t, cluster.Client.NetworkingV1().Ingresses(namespace).Delete(context.Background(), "cm-acme-http-solver-x7k2p", deleteNow))
	harness.Eventually(t, "the solver is gone", func() error {
		if reached() == nil {
			return fmt.Errorf("it still answers")
		}
		return nil
	})
}

func withTLS(ingress *networkingv1.Ingress, host string) *networkingv1.Ingress {
	ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: host + "-tls"}}
	return ingress
}

// recordsOf is how external-dns reads an Ingress: every host of rules and tls, each leading to every address of the
// status, an A or AAAA record for what is an IP and a CNAME for what is a name.
func recordsOf(ingress networkingv1.Ingress) []string {
	hosts := map[string]bool{}
	for _, rule := range ingress.Spec.Rules {
		hosts[rule.Host] = rule.Host != ""
	}
	for _, entry := range ingress.Spec.TLS {
		for _, host := range entry.Hosts {
			hosts[host] = true
		}
	}
	var records []string
	for host := range hosts {
		for _, entry := range ingress.Status.LoadBalancer.Ingress {
			if entry.IP != "" {
				records = append(records, fmt.Sprintf("%s %s %s", host, recordType(entry.IP), entry.IP))
			}
			if entry.Hostname != "" {
				records = append(records, fmt.Sprintf("%s CNAME %s", host, entry.Hostname))
			}
		}
	}
	slices.Sort(records)
	return records
}

func recordType(address string) string {
	parsed := net.ParseIP(address)
	switch {
	case parsed == nil:
		return "INVALID"
	case parsed.To4() != nil:
		return "A"
	default:
		return "AAAA"
	}
}

func TestExternalDNSReadsItsRecordsFromTheStatus(t *testing.T) {
	t.Parallel()
	namespace := publishing(t)
	ingress := withTLS(harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")), "www.shop.test")
	ingress.Annotations = map[string]string{"external-dns.alpha.kubernetes.io/ttl": "60"}
	cluster.Apply(t, ingress)
	cluster.StartPortico(t, harness.Setup{Namespace: namespace, Flags: []string{"--publish-service", namespace + "/portico"}})

	for _, row := range []struct {
		name      string
		addresses []corev1.LoadBalancerIngress
		records   []string
	}{
		{"both families", []corev1.LoadBalancerIngress{{IP: "192.0.2.10"}, {IP: "2001:db8::10"}}, []string{
			"shop.test A 192.0.2.10", "shop.test AAAA 2001:db8::10",
			"www.shop.test A 192.0.2.10", "www.shop.test AAAA 2001:db8::10"}},
		{"a name", []corev1.LoadBalancerIngress{{Hostname: "lb.example.com"}}, []string{
			"shop.test CNAME lb.example.com", "www.shop.test CNAME lb.example.com"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			setLoadBalancer(t, namespace, "portico", row.addresses...)
			harness.Eventually(t, "its records", func() error {
				list, err := cluster.Client.NetworkingV1().Ingresses(namespace).List(context.Background(), metav1.ListOptions{})
				if err != nil {
					return err
				}
				if records := recordsOf(list.Items[0]); !slices.Equal(records, row.records) {
					return fmt.Errorf("%s, wanted %s", strings.Join(records, "; "), strings.Join(row.records, "; "))
				}
				return nil
			})
		})
	}
}
