package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"portico.dev/portico/e2e/cluster/harness"
)

// served is a namespace with a class, a Service `shop`, and a Portico for it.
func served(t *testing.T, flags ...string) (string, *harness.Portico) {
	t.Helper()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 1)
	return namespace, cluster.StartPortico(t, harness.Setup{Namespace: namespace, Flags: flags})
}

// patch changes fields of an object by a merge patch, as `kubectl patch --type=merge` does.
func patch(t *testing.T, namespace, kind, name, text string) {
	t.Helper()
	ctx, data, options := context.Background(), []byte(text), metav1.PatchOptions{}
	var err error
	switch kind {
	case "ingress":
		_, err = cluster.Client.NetworkingV1().Ingresses(namespace).Patch(ctx, name, types.MergePatchType, data, options)
	case "service":
		_, err = cluster.Client.CoreV1().Services(namespace).Patch(ctx, name, types.MergePatchType, data, options)
	case "endpointslice":
		_, err = cluster.Client.DiscoveryV1().EndpointSlices(namespace).Patch(ctx, name, types.MergePatchType, data, options)
	case "secret":
		_, err = cluster.Client.CoreV1().Secrets(namespace).Patch(ctx, name, types.MergePatchType, data, options)
	case "configmap":
		_, err = cluster.Client.CoreV1().ConfigMaps(namespace).Patch(ctx, name, types.MergePatchType, data, options)
	case "namespace":
		_, err = cluster.Client.CoreV1().Namespaces().Patch(ctx, name, types.MergePatchType, data, options)
	default:
		t.Fatalf("no kind %q", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestIngressTakesEffectWhenCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	cluster.Service(t, namespace, "cart", 1)
	must(t, portico.Answers("http://shop.test/", 404))

	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	harness.Eventually(t, "created", func() error { return portico.Serves("http://shop.test/", "shop") })

	patch(t, namespace, "ingress", "shop", `{"spec":{"rules":[{"host":"shop.test","http":{"paths":[
		{"path":"/","pathType":"Prefix","backend":{"service":{"name":"cart","port":{"name":"web"}}}}]}}]}}`)
	harness.Eventually(t, "changed", func() error { return portico.Serves("http://shop.test/", "cart") })

	must(t, cluster.Client.NetworkingV1().Ingresses(namespace).Delete(context.Background(), "shop", metav1.DeleteOptions{}))
	harness.Eventually(t, "deleted", func() error { return portico.Answers("http://shop.test/", 404) })
}

func TestIngressThatChangesItsClassIsServedNoMore(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	harness.Eventually(t, "ours", func() error { return portico.Serves("http://shop.test/", "shop") })
	patch(t, namespace, "ingress", "shop", `{"spec":{"ingressClassName":"someone-elses"}}`)
	harness.Eventually(t, "somebody else's", func() error { return portico.Answers("http://shop.test/", 404) })
}

func TestIngressClassTakesEffectWhenCreatedAndDeleted(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	other := namespace + "-2"
	cluster.Apply(t, harness.Ingress(namespace, "shop", other, harness.Everything("shop.test", "shop")))
	cluster.Apply(t, harness.Ingress(namespace, "first", namespace, harness.Everything("first.test", "shop")))
	harness.Eventually(t, "the first class", func() error { return portico.Serves("http://first.test/", "shop") })
	must(t, portico.Answers("http://shop.test/", 404))

	cluster.ClassBeside(t, namespace, other)
	harness.Eventually(t, "created", func() error { return portico.Serves("http://shop.test/", "shop") })
	must(t, cluster.Client.NetworkingV1().IngressClasses().Delete(context.Background(), other, metav1.DeleteOptions{}))
	harness.Eventually(t, "deleted", func() error { return portico.Answers("http://shop.test/", 404) })
}

func TestServiceTakesEffectWhenCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	cluster.Apply(t, harness.Ingress(namespace, "cart", namespace,
		harness.Rule("cart.test", harness.Path(networkingv1.PathTypePrefix, "/", "cart", 8080))))
	harness.Eventually(t, "without a Service", func() error { return portico.Answers("http://cart.test/", 503) })

	cluster.Service(t, namespace, "cart", 1)
	harness.Throughout(t, longer(200e6, 1e9), "without that port", func() error { return portico.Answers("http://cart.test/", 503) })
	patch(t, namespace, "service", "cart", `{"spec":{"ports":[{"name":"web","port":8080,"targetPort":"http"}]}}`)
	harness.Eventually(t, "changed", func() error { return portico.Serves("http://cart.test/", "cart") })

	must(t, cluster.Client.CoreV1().Services(namespace).Delete(context.Background(), "cart", metav1.DeleteOptions{}))
	harness.Eventually(t, "deleted", func() error { return portico.Answers("http://cart.test/", 503) })
}

func TestEndpointSliceTakesEffectWhenCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	ctx, slices := context.Background(), cluster.Client.DiscoveryV1().EndpointSlices(namespace)
	cluster.Apply(t, harness.Ingress(namespace, "cart", namespace, harness.Everything("cart.test", "cart")))
	cluster.Service(t, namespace, "cart", 0)
	harness.Eventually(t, "without endpoints", func() error { return portico.Answers("http://cart.test/", 503) })

	pod, err := cluster.Pods.Add(harness.Identity{Namespace: namespace, Service: "cart", Pod: "cart-a"})
	must(t, err)
	_, err = slices.Create(ctx, harness.Slice(namespace, "cart", "cart-1", pod), metav1.CreateOptions{})
	must(t, err)
	harness.Eventually(t, "created", func() error { return portico.Serves("http://cart.test/", "cart") })

	ready := func(value bool) string {
		return fmt.Sprintf(`{"endpoints":[{"addresses":[%q],"conditions":{"ready":%t}}]}`, pod.Address, value)
	}
	patch(t, namespace, "endpointslice", "cart-1", ready(false))
	harness.Eventually(t, "not ready", func() error { return portico.Answers("http://cart.test/", 503) })
	patch(t, namespace, "endpointslice", "cart-1", ready(true))
	harness.Eventually(t, "ready again", func() error { return portico.Serves("http://cart.test/", "cart") })

	must(t, slices.Delete(ctx, "cart-1", metav1.DeleteOptions{}))
	harness.Eventually(t, "deleted", func() error { return portico.Answers("http://cart.test/", 503) })
}

func TestSecretTakesEffectWhenCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	ingress := harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop"))
	ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"shop.test"}, SecretName: "shop-tls"}}
	cluster.Apply(t, ingress)

	first, second := certificateFor(t, "shop.test"), certificateFor(t, "shop.test")
	cluster.Secret(t, namespace, "shop-tls", first)
	harness.Eventually(t, "created", func() error { return presents(portico, "shop.test", first) })
	harness.Eventually(t, "http redirects", func() error { return portico.Answers("http://shop.test/", 308) })

	secret := harness.TLSSecret(namespace, "shop-tls", second)
	_, err := cluster.Client.CoreV1().Secrets(namespace).Update(context.Background(), secret, metav1.UpdateOptions{})
	must(t, err)
	harness.Eventually(t, "changed", func() error { return presents(portico, "shop.test", second) })

	must(t, cluster.Client.CoreV1().Secrets(namespace).Delete(context.Background(), "shop-tls", metav1.DeleteOptions{}))
	harness.Eventually(t, "deleted", func() error {
		if presents(portico, "shop.test", second) == nil {
			return fmt.Errorf("it still presents the certificate")
		}
		return nil
	})
}

func TestSecretOfTypeOpaqueServesWhereAnIngressNamesIt(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	pair := certificateFor(t, "shop.test")
	secret := harness.TLSSecret(namespace, "opaque", pair)
	secret.Type = corev1.SecretTypeOpaque
	_, err := cluster.Client.CoreV1().Secrets(namespace).Create(context.Background(), secret, metav1.CreateOptions{})
	must(t, err)
	ingress := harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop"))
	ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"shop.test"}, SecretName: "opaque"}}
	cluster.Apply(t, ingress)
	harness.Eventually(t, "its certificate", func() error { return presents(portico, "shop.test", pair) })

	renewed := certificateFor(t, "shop.test")
	secret = harness.TLSSecret(namespace, "opaque", renewed)
	secret.Type = corev1.SecretTypeOpaque
	_, err = cluster.Client.CoreV1().Secrets(namespace).Update(context.Background(), secret, metav1.UpdateOptions{})
	must(t, err)
	harness.Eventually(t, "its renewed certificate", func() error { return presents(portico, "shop.test", renewed) })
}

func TestConfigMapTakesEffectWhenCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 1)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace, Flags: []string{"--configmap", namespace + "/portico"}})
	takes := func(bytes, status int) error {
		answer, err := portico.Post("http://shop.test/", bytes)
		if err == nil && answer.Status != status {
			err = fmt.Errorf("%d bytes are answered %d, wanted %d", bytes, answer.Status, status)
		}
		return err
	}
	const few, many = 10, 2 << 20
	must(t, takes(few, 200))
	must(t, takes(many, 413))

	ctx, maps := context.Background(), cluster.Client.CoreV1().ConfigMaps(namespace)
	_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "portico"},
		Data: map[string]string{"proxy-body-size": "4m"}}, metav1.CreateOptions{})
	must(t, err)
	harness.Eventually(t, "created", func() error { return takes(many, 200) })
	patch(t, namespace, "configmap", "portico", `{"data":{"proxy-body-size":"1"}}`)
	harness.Eventually(t, "changed", func() error { return takes(few, 413) })
	must(t, maps.Delete(ctx, "portico", metav1.DeleteOptions{}))
	harness.Eventually(t, "deleted", func() error { return takes(few, 200) })
	must(t, takes(many, 413))
}

func TestNamespaceTakesEffectWhenItsLabelsChange(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t, "--watch-namespace-selector", "team=blue")
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	harness.Throughout(t, longer(300e6, 2e9), "not selected", func() error { return portico.Answers("http://shop.test/", 404) })

	patch(t, namespace, "namespace", namespace, `{"metadata":{"labels":{"team":"blue"}}}`)
	harness.Eventually(t, "selected", func() error { return portico.Serves("http://shop.test/", "shop") })
	patch(t, namespace, "namespace", namespace, `{"metadata":{"labels":{"team":"red"}}}`)
	harness.Eventually(t, "not selected any more", func() error { return portico.Answers("http://shop.test/", 404) })
}

func TestOneNamespaceIsServedAndNoOther(t *testing.T) {
	t.Parallel()
	theirs := cluster.Namespace(t)
	cluster.Service(t, theirs, "cart", 1)
	ours := cluster.Namespace(t)
	cluster.Class(t, ours)
	cluster.Service(t, ours, "shop", 1)
	cluster.Apply(t, harness.Ingress(theirs, "cart", ours, harness.Everything("cart.test", "cart")))
	cluster.Apply(t, harness.Ingress(ours, "shop", ours, harness.Everything("shop.test", "shop")))
	portico := cluster.StartPortico(t, harness.Setup{Namespace: ours, Flags: []string{"--watch-namespace", ours}})
	must(t, portico.Serves("http://shop.test/", "shop"))
	must(t, portico.Answers("http://cart.test/", 404))
}

func TestReadyMeansThatEverythingIsServed(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 2)
	const hosts = 300
	for i := range hosts {
		cluster.Apply(t, harness.Ingress(namespace, fmt.Sprintf("shop-%d", i), namespace,
			harness.Everything(fmt.Sprintf("shop-%d.test", i), "shop")))
	}
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace})
	for i := range hosts {
		must(t, portico.Serves(fmt.Sprintf("http://shop-%d.test/", i), "shop"))
	}
}

func TestARollOutOfTheBackendLosesNoRequest(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	cluster.Deployment(t, namespace, "echo", 3)
	cluster.Apply(t, harness.Ingress(namespace, "echo", namespace, harness.Everything("echo.test", "echo")))
	harness.Eventually(t, "served", func() error { return portico.Serves("http://echo.test/", "echo") })
	traffic := harness.StartTraffic("http://echo.test/", func() *harness.Portico { return portico })
	patchDeployment(t, namespace, "echo", `{"spec":{"template":{"metadata":{"annotations":{"rolled":"out"}}}}}`)
	harness.Eventually(t, "the roll-out", func() error {
		deployment, err := cluster.Client.AppsV1().Deployments(namespace).Get(context.Background(), "echo", metav1.GetOptions{})
		if err != nil {
			return err
		}
		status := deployment.Status
		if status.ObservedGeneration < deployment.Generation || status.UpdatedReplicas != 3 || status.Replicas != 3 {
			return fmt.Errorf("%d of %d pods are new", status.UpdatedReplicas, status.Replicas)
		}
		return noTerminatingPods(namespace)
	})
	traffic.Stop(t)
}

func patchDeployment(t *testing.T, namespace, name, text string) {
	t.Helper()
	_, err := cluster.Client.AppsV1().Deployments(namespace).Patch(context.Background(), name,
		types.StrategicMergePatchType, []byte(text), metav1.PatchOptions{})
	must(t, err)
}

func noTerminatingPods(namespace string) error {
	pods, err := cluster.Client.CoreV1().Pods(namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			return fmt.Errorf("%s is ending", pod.Name)
		}
	}
	return nil
}

func TestEndpointsThatServeWhileTheyEndAreUsedOnlyWhereThereAreNoOthers(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	cluster.Apply(t, harness.Ingress(namespace, "cart", namespace, harness.Everything("cart.test", "cart")))
	cluster.Service(t, namespace, "cart", 0)
	pod, err := cluster.Pods.Add(harness.Identity{Namespace: namespace, Service: "cart", Pod: "cart-a"})
	must(t, err)
	slice := harness.Slice(namespace, "cart", "cart-1", pod)
	ready, serving, terminating := false, true, true
	slice.Endpoints[0].Conditions = discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating}
	_, err = cluster.Client.DiscoveryV1().EndpointSlices(namespace).Create(context.Background(), slice, metav1.CreateOptions{})
	must(t, err)
	harness.Eventually(t, "the last one, ending", func() error { return portico.Serves("http://cart.test/", "cart") })
}

func TestAnnotationsOfALiveServiceTakeEffect(t *testing.T) {
	t.Parallel()
	namespace, portico := served(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	harness.Eventually(t, "created", func() error { return setsCookie(portico, "http://shop.test/", "") })

	patch(t, namespace, "service", "shop",
		`{"metadata":{"annotations":{"portico.dev/affinity":"cookie","portico.dev/session-cookie-name":"SHOP"}}}`)
	harness.Eventually(t, "given", func() error { return setsCookie(portico, "http://shop.test/", "SHOP") })

	patch(t, namespace, "service", "shop", `{"metadata":{"annotations":{"portico.dev/affinity":"sticky"}}}`)
	harness.Eventually(t, "spoilt", func() error { return setsCookie(portico, "http://shop.test/", "") })
	harness.Eventually(t, "an Event", func() error {
		events, err := cluster.Client.EventsV1().Events(namespace).List(context.Background(), metav1.ListOptions{})
		must(t, err)
		for _, event := range events.Items {
			if event.Regarding.Kind == "Service" && event.Regarding.Name == "shop" && strings.Contains(event.Note, "sticky") {
				return nil
			}
		}
		return fmt.Errorf("none of %d is about the Service's value", len(events.Items))
	})
}

// setsCookie complains unless the URL is answered with a cookie of that name; "" none.
func setsCookie(portico *harness.Portico, url, name string) error {
	answer, err := portico.Get(url)
	if err != nil {
		return err
	}
	cookie, _, _ := strings.Cut(answer.Header.Get("Set-Cookie"), "=")
	if answer.Status != http.StatusOK || cookie != name {
		return fmt.Errorf("%d with the cookie %q", answer.Status, cookie)
	}
	return nil
}

// certificateFor is a new certificate, by an authority of its own.
func certificateFor(t *testing.T, host string) harness.Pair {
	t.Helper()
	authority, err := harness.NewAuthority("e2e")
	must(t, err)
	pair, err := authority.Issue(host, nil, host)
	must(t, err)
	return pair
}

// presents complains unless Portico presents that certificate for that name and serves.
func presents(portico *harness.Portico, host string, pair harness.Pair) error {
	wanted, err := pair.TLS()
	if err != nil {
		return err
	}
	client := portico.Client(x509.NewCertPool())
	client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true
	defer client.CloseIdleConnections()
	answer, err := client.Get("https://" + host + "/")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return fmt.Errorf("https answers %d", answer.StatusCode)
	}
	return samePeer(answer.TLS, wanted)
}

func samePeer(state *tls.ConnectionState, wanted tls.Certificate) error {
	if string(state.PeerCertificates[0].Raw) != string(wanted.Certificate[0]) {
		return fmt.Errorf("another certificate is presented, of %s", state.PeerCertificates[0].Subject)
	}
	return nil
}
