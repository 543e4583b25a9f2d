// Package measure prints what Portico takes at a real API server: time and memory. Nothing here fails for a figure; a
// missed bar is printed. It runs by `./dev bench cluster`, not with the tests.
package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"portico.dev/portico/e2e/cluster/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) { os.Exit(harness.Main(m, &cluster)) }

// report prints a figure beside its bar.
func report(what string, figure, bar float64, unit string) {
	verdict := ""
	if bar > 0 {
		verdict = fmt.Sprintf("(bar %g %s)", bar, unit)
		if figure > bar {
			verdict = fmt.Sprintf("MISSED (bar %g %s)", bar, unit)
		}
	}
	fmt.Printf("%-72s %10.1f %s %s\n", what, figure, unit, verdict)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

const megabyte = 1 << 20

// inParallel calls `create` for 0 to count-1, several at a time: the API server takes thousands a second.
func inParallel(t *testing.T, count int, create func(number int) error) {
	t.Helper()
	numbers, errs := startNumbers(count), sync.Map{}
	var workers sync.WaitGroup
	for range 24 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for number := range numbers {
				if err := create(number); err != nil {
					errs.Store(number, err)
				}
			}
		}()
	}
	workers.Wait()
	errs.Range(func(number, err any) bool {
		t.Fatalf("%v: %v", number, err)
		return false
	})
}

func startNumbers(count int) <-chan int {
	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for number := range count {
			numbers <- number
		}
	}()
	return numbers
}

func host(number int) string { return fmt.Sprintf("shop-%d.test", number) }

func resident(t *testing.T, portico *harness.Portico) float64 {
	t.Helper()
	bytes, err := portico.ResidentBytes()
	if err != nil {
		t.Fatal(err)
	}
	return float64(bytes) / megabyte
}

// shopOf is an Ingress like those that people have: a host with a path, and what their tools write beside it.
func shopOf(namespace string, number int, service string) *networkingv1.Ingress {
	ingress := harness.Ingress(namespace, fmt.Sprintf("shop-%d", number), namespace, harness.Everything(host(number), service))
	ingress.Labels = map[string]string{
		"app.kubernetes.io/name": "shop", "app.kubernetes.io/instance": fmt.Sprintf("shop-%d", number),
		"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "shop-1.2.3"}
	ingress.Annotations = map[string]string{"nginx.ingress.kubernetes.io/proxy-body-size": "8m",
		"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": namespace}
	return ingress
}

func createShops(t *testing.T, namespace string, count int, service func(number int) string) {
	t.Helper()
	inParallel(t, count, func(number int) error {
		_, err := cluster.Client.NetworkingV1().Ingresses(namespace).Create(context.Background(),
			shopOf(namespace, number, service(number)), metav1.CreateOptions{})
		return err
	})
}

// TestAChangeIsServed: 5,000 Ingresses, 20 changes a second; from the API server's answer to the first request that is
// answered by the new backend.
func TestAChangeIsServed(t *testing.T) {
	const ingresses, changes, every = 5000, 400, 50 * time.Millisecond
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "old", 1)
	cluster.Service(t, namespace, "new", 1)
	createShops(t, namespace, ingresses, func(int) string { return "old" })
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace})
	report("resident with 5,000 routes", resident(t, portico), 60, "MB")

	order := rand.Perm(ingresses)[:changes]
	took := make([]time.Duration, changes)
	var pending sync.WaitGroup
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for i, number := range order {
		<-ticker.C
		pending.Add(1)
		go func() {
			defer pending.Done()
			took[i] = change(t, portico, namespace, number)
		}()
	}
	pending.Wait()
	slices.Sort(took)
	report("API event to served request, 20 changes a second, median", milliseconds(took[changes/2]), 20, "ms")
	report("                                                  p99", milliseconds(took[changes*99/100]), 100, "ms")
	report("                                                  worst", milliseconds(took[changes-1]), 0, "ms")
	report("resident after the changes", resident(t, portico), 0, "MB")
}

func change(t *testing.T, portico *harness.Portico, namespace string, number int) time.Duration {
	url := "http://" + host(number) + "/"
	const text = `[{"op":"replace","path":"/spec/rules/0/http/paths/0/backend/service/name","value":"new"}]`
	_, err := cluster.Client.NetworkingV1().Ingresses(namespace).Patch(context.Background(), fmt.Sprintf("shop-%d", number),
		types.JSONPatchType, []byte(text), metav1.PatchOptions{})
	begin := time.Now()
	if err != nil {
		t.Error(err)
		return 0
	}
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for portico.Serves(url, "new") != nil {
		if time.Since(begin) > harness.Patience {
			t.Errorf("%s was never served by the new backend", url)
			break
		}
		<-pace.C
	}
	return time.Since(begin)
}

// TestManyObjects: 20,000 Ingresses, 5,000 Services with a slice each, 1,000 certificates.
func TestManyObjects(t *testing.T) {
	const ingresses, services, certificates = 20_000, 5_000, 1_000
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	pod, err := cluster.Pods.Add(harness.Identity{Namespace: namespace, Service: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	serviceOf := func(number int) string { return fmt.Sprintf("service-%d", number%services) }
	inParallel(t, services, func(number int) error { return createService(namespace, serviceOf(number), pod) })
	createSecrets(t, namespace, certificates)
	inParallel(t, ingresses, func(number int) error {
		ingress := shopOf(namespace, number, serviceOf(number))
		if number < certificates {
			ingress.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{host(number)}, SecretName: fmt.Sprintf("tls-%d", number)}}
		}
		_, err := cluster.Client.NetworkingV1().Ingresses(namespace).Create(context.Background(), ingress, metav1.CreateOptions{})
		return err
	})
	begin := time.Now()
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace, Unready: true})
	portico.AwaitReady(t)
	report("20,000 Ingresses, 5,000 Services, 1,000 certificates: start to ready", time.Since(begin).Seconds(), 15, "s")
	report("                                                   resident", resident(t, portico), 250, "MB")
	for _, number := range []int{certificates, ingresses / 2, ingresses - 1} {
		if err := portico.Serves("http://"+host(number)+"/", "shop"); err != nil {
			t.Error(err)
		}
	}
	if err := portico.Answers("http://"+host(0)+"/", 308); err != nil {
		t.Error(err)
	}
}

func createService(namespace, name string, pod harness.Pod) error {
	ctx := context.Background()
	if _, err := cluster.Client.CoreV1().Services(namespace).Create(ctx, harness.PlainService(namespace, name), metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := cluster.Client.DiscoveryV1().EndpointSlices(namespace).Create(ctx,
		harness.Slice(namespace, name, name+"-x", pod), metav1.CreateOptions{})
	return err
}

func createSecrets(t *testing.T, namespace string, count int) {
	t.Helper()
	authority, err := harness.NewAuthority("measure")
	if err != nil {
		t.Fatal(err)
	}
	inParallel(t, count, func(number int) error {
		pair, err := authority.Issue(host(number), nil, host(number))
		if err != nil {
			return err
		}
		_, err = cluster.Client.CoreV1().Secrets(namespace).Create(context.Background(),
			harness.TLSSecret(namespace, fmt.Sprintf("tls-%d", number), pair), metav1.CreateOptions{})
		return err
	})
}

// TestStatusOfAThousand: from the start of a leader to the last of 1,000 Ingresses having its address.
func TestStatusOfAThousand(t *testing.T) {
	const ingresses = 1000
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 1)
	createShops(t, namespace, ingresses, func(int) string { return "shop" })
	cluster.StartPortico(t, harness.Setup{Namespace: namespace, Flags: []string{"--publish-status-address", "192.0.2.1"}})
	took := harness.Eventually(t, "every status", func() error {
		list, err := cluster.Client.NetworkingV1().Ingresses(namespace).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, ingress := range list.Items {
			if len(ingress.Status.LoadBalancer.Ingress) == 0 {
				return fmt.Errorf("%s has none", ingress.Name)
			}
		}
		return nil
	})
	report("1,000 Ingresses: ready to the last status written", took.Seconds(), 10, "s")
}
