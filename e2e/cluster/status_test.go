package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portico.dev/portico/e2e/cluster/harness"
)

func statusOf(namespace, name string) ([]networkingv1.IngressLoadBalancerIngress, error) {
	ingress, err := cluster.Client.NetworkingV1().Ingresses(namespace).Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return ingress.Status.LoadBalancer.Ingress, nil
}

// statusSays complains unless the Ingress's status has these addresses, IPs and names, and no others.
func statusSays(namespace, name string, wanted ...string) error {
	status, err := statusOf(namespace, name)
	if err != nil {
		return err
	}
	var found []string
	for _, entry := range status {
		found = append(found, entry.IP+entry.Hostname)
	}
	if strings.Join(found, " ") != strings.Join(wanted, " ") {
		return fmt.Errorf("the status says %v, wanted %v", found, wanted)
	}
	return nil
}

func setLoadBalancer(t *testing.T, namespace, name string, addresses ...corev1.LoadBalancerIngress) {
	t.Helper()
	ctx, services := context.Background(), cluster.Client.CoreV1().Services(namespace)
	service, err := services.Get(ctx, name, metav1.GetOptions{})
	must(t, err)
	service.Status.LoadBalancer.Ingress = addresses
	_, err = services.UpdateStatus(ctx, service, metav1.UpdateOptions{})
	must(t, err)
}

// publishing is a namespace with a Service of type LoadBalancer named `portico`.
func publishing(t *testing.T) string {
	t.Helper()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 1)
	service := harness.PlainService(namespace, "portico")
	service.Spec.Type = corev1.ServiceTypeLoadBalancer
	_, err := cluster.Client.CoreV1().Services(namespace).Create(context.Background(), service, metav1.CreateOptions{})
	must(t, err)
	return namespace
}

func TestStatusFollowsThePublishedService(t *testing.T) {
	t.Parallel()
	namespace := publishing(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	cluster.Apply(t, harness.Ingress(namespace, "theirs", "someone-elses", harness.Everything("their.test", "shop")))
	setLoadBalancer(t, namespace, "portico", corev1.LoadBalancerIngress{IP: "192.0.2.10"})
	cluster.StartPortico(t, harness.Setup{Namespace: namespace, Flags: []string{"--publish-service", namespace + "/portico"}})
	harness.Eventually(t, "an address", func() error { return statusSays(namespace, "shop", "192.0.2.10") })

	setLoadBalancer(t, namespace, "portico", corev1.LoadBalancerIngress{Hostname: "lb.example.com"})
	harness.Eventually(t, "a name", func() error { return statusSays(namespace, "shop", "lb.example.com") })

	cluster.Apply(t, harness.Ingress(namespace, "late", namespace, harness.Everything("late.test", "shop")))
	harness.Eventually(t, "a new Ingress", func() error { return statusSays(namespace, "late", "lb.example.com") })
	must(t, statusSays(namespace, "theirs"))

	out := kubectl(t, "", "get", "ingress", "--namespace", namespace, "shop")
	if !strings.Contains(out, "lb.example.com") {
		t.Errorf("kubectl does not show the address:\n%s", out)
	}
}

// podOfItsOwn is the name of a pod, the only one with its labels: by them Portico finds its like.
func podOfItsOwn(t *testing.T, namespace string) string {
	t.Helper()
	cluster.Deployment(t, namespace, "portico-pods", 1)
	pods, err := cluster.Client.CoreV1().Pods(namespace).List(context.Background(), metav1.ListOptions{})
	must(t, err)
	return pods.Items[0].Name
}

func TestStatusNamesTheNodesWhereNothingElseIsPublished(t *testing.T) {
	t.Parallel()
	cluster.OwnPlane(t)
	namespace := publishing(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	cluster.StartPortico(t, harness.Setup{Namespace: namespace, Name: podOfItsOwn(t, namespace)})
	harness.Eventually(t, "the node", func() error { return statusSays(namespace, "shop", harness.NodeAddress) })
}

func TestStatusIsClearedByTheLastReplicaAtItsEnd(t *testing.T) {
	t.Parallel()
	namespace := publishing(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace, Name: podOfItsOwn(t, namespace), Flags: []string{
		"--publish-status-address", "192.0.2.11", "--update-status-on-shutdown"}})
	harness.Eventually(t, "an address", func() error { return statusSays(namespace, "shop", "192.0.2.11") })
	must(t, portico.Stop())
	must(t, statusSays(namespace, "shop"))
}

func TestOfTwoReplicasOneLeadsAndTheOtherTakesOverWhenItIsKilled(t *testing.T) {
	t.Parallel()
	namespace := publishing(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	replicas := map[string]*harness.Portico{}
	for _, name := range []string{"portico-0", "portico-1"} {
		// Each publishes an address of its own, so that the status tells who wrote it.
		replicas[name] = cluster.StartPortico(t, harness.Setup{Namespace: namespace, Name: name,
			Flags: []string{"--publish-status-address", "192.0.2.2" + name[len(name)-1:]}})
	}
	leader := ""
	harness.Eventually(t, "one leads", func() error {
		holder, err := leaseHolder(namespace)
		if err != nil {
			return err
		}
		for name := range replicas {
			if strings.HasPrefix(holder, name) {
				leader = name
			}
		}
		if leader == "" {
			return fmt.Errorf("the holder is %q", holder)
		}
		return nil
	})
	other := "portico-1"
	if leader == other {
		other = "portico-0"
	}
	address := func(name string) string { return "192.0.2.2" + name[len(name)-1:] }
	harness.Eventually(t, "its address", func() error { return statusSays(namespace, "shop", address(leader)) })
	harness.Throughout(t, longer(time.Second, 15*time.Second), "only the leader writes", func() error {
		return statusSays(namespace, "shop", address(leader))
	})

	replicas[leader].Crash()
	took := harness.Eventually(t, "the other writes", func() error { return statusSays(namespace, "shop", address(other)) })
	t.Logf("status writing moved in %s", took.Round(time.Millisecond))
}

func TestALeaderThatEndsInOrderHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	namespace := publishing(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	start := func(number int) *harness.Portico {
		return cluster.StartPortico(t, harness.Setup{Namespace: namespace, Name: fmt.Sprintf("portico-%d", number),
			Flags: []string{"--publish-status-address", fmt.Sprintf("192.0.2.3%d", number)}})
	}
	first := start(0)
	harness.Eventually(t, "the first leads", func() error { return statusSays(namespace, "shop", "192.0.2.30") })
	start(1)
	must(t, first.Stop())
	took := harness.Eventually(t, "the second leads", func() error { return statusSays(namespace, "shop", "192.0.2.31") })
	t.Logf("status writing moved in %s", took.Round(time.Millisecond))
}

// leaseHolder is who holds the namespace's only Lease.
func leaseHolder(namespace string) (string, error) {
	leases, err := cluster.Client.CoordinationV1().Leases(namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	if len(leases.Items) != 1 || leases.Items[0].Spec.HolderIdentity == nil {
		return "", fmt.Errorf("%d leases", len(leases.Items))
	}
	return *leases.Items[0].Spec.HolderIdentity, nil
}

func TestAFindingBecomesAnEventThatKubectlShows(t *testing.T) {
	t.Parallel()
	namespace, _ := served(t)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "no-such-service")))
	harness.Eventually(t, "kubectl describe", func() error {
		out := kubectl(t, "", "describe", "ingress", "--namespace", namespace, "shop")
		_, events, _ := strings.Cut(out, "Events:")
		if !strings.Contains(events, "no-such-service") {
			return fmt.Errorf("it says\n%s", events)
		}
		return nil
	})
	events, err := cluster.Client.EventsV1().Events(namespace).List(context.Background(), metav1.ListOptions{})
	must(t, err)
	for _, event := range events.Items {
		if event.Regarding.Kind != "Ingress" || event.Regarding.Name != "shop" || event.Regarding.UID == "" {
			t.Errorf("an Event about %+v", event.Regarding)
		}
		if event.Type != corev1.EventTypeWarning || event.ReportingController == "" || event.Reason == "" {
			t.Errorf("type %q, controller %q, reason %q", event.Type, event.ReportingController, event.Reason)
		}
	}
}
