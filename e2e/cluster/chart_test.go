package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"portico.dev/portico/e2e/cluster/harness"
)

const (
	chartFolder = "../../charts/portico"
	release     = "portico"
)

func helm(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := run(t, "", cluster.Assets["helm"], arguments...)
	must(t, err)
	return out
}

func valuesFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chartFolder, "ci", "*-values.yaml"))
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no values files")
	}
	return files
}

// The API server knows them for good, whoever of the tests asks first.
func knowForeignKinds(t *testing.T) {
	t.Helper()
	kubectl(t, "", "apply", "--server-side", "--filename", "testdata/crds.yaml")
	kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "--filename", "testdata/crds.yaml")
}

func TestTheChartsObjectsAreTakenByTheAPIServerForAllValues(t *testing.T) {
	t.Parallel()
	knowForeignKinds(t)
	namespace := cluster.Namespace(t)
	for _, file := range valuesFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), "-values.yaml"), func(t *testing.T) {
			helm(t, "lint", "--strict", chartFolder, "--values", file)
			manifests := helm(t, "template", release, chartFolder, "--namespace", namespace, "--values", file,
				"--kube-version", serverVersion(t))
			makeNamespaces(t, manifests)
			// Another test's release may hold the names that have no namespace.
			kubectl(t, manifests, "apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts",
				"--filename", "-")
		})
	}
}

func serverVersion(t *testing.T) string {
	t.Helper()
	version, err := cluster.Client.Discovery().ServerVersion()
	must(t, err)
	return version.GitVersion
}

// makeNamespaces makes those that the manifests name: they must be there even for a dry run.
func makeNamespaces(t *testing.T, manifests string) {
	t.Helper()
	ctx, namespaces := context.Background(), cluster.Client.CoreV1().Namespaces()
	for _, document := range strings.Split(manifests, "\n---") {
		var object metav1.PartialObjectMetadata
		must(t, yaml.Unmarshal([]byte(document), &object))
		if object.Namespace == "" {
			continue
		}
		_, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.Namespace}}, metav1.CreateOptions{})
		if err == nil {
			name := object.Namespace
			t.Cleanup(func() { _ = namespaces.Delete(ctx, name, deleteNow) })
		} else if !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
}

func TestTheChartsSchemaRefusesWhatIsNoValue(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]string{
		"a replica count that is a word":       "controller.replicaCount=many",
		"a kind that is no workload":           "controller.kind=StatefulSet",
		"a Service type that there is not":     "controller.service.type=Public",
		"a port beyond the last":               "controller.containerPort.http=70000",
		"an autoscaling switch that is a word": "controller.autoscaling.enabled=perhaps",
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, "", cluster.Assets["helm"], "template", release, chartFolder, "--set", set)
			if err == nil {
				t.Error("it was taken")
			} else if key, _, _ := strings.Cut(set, "="); !strings.Contains(out, key[strings.LastIndex(key, ".")+1:]) {
				t.Errorf("the refusal does not name the value:\n%s", out)
			}
		})
	}
}

// installed is a release in a namespace of its own, with the pod of its workload.
type installed struct {
	namespace string
	pod       corev1.Pod
}

// Roles and classes have no namespace: one release at a time.
var releasing sync.Mutex

func install(t *testing.T, arguments ...string) installed {
	t.Helper()
	cluster.OwnPlane(t)
	namespace := cluster.Namespace(t)
	releasing.Lock()
	t.Cleanup(releasing.Unlock)
	helm(t, append([]string{"install", release, chartFolder, "--namespace", namespace}, arguments...)...)
	t.Cleanup(func() { helm(t, "uninstall", release, "--namespace", namespace) })
	i := installed{namespace: namespace}
	harness.Eventually(t, "a running pod", func() error {
		pods, err := cluster.Client.CoreV1().Pods(namespace).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.Status.Phase == corev1.PodRunning {
				i.pod = pod
				return nil
			}
		}
		return fmt.Errorf("none of %d pods runs", len(pods.Items))
	})
	return i
}

// start runs what the pod's container says: its account, its environment, its arguments.
func (i installed) start(t *testing.T) *harness.Portico {
	t.Helper()
	container := i.pod.Spec.Containers[0]
	account := cluster.AccountOf(t, i.namespace, i.pod.Spec.ServiceAccountName, cluster.Config.Host)
	environment := account.MountAsPod(t)
	variables := map[string]string{}
	for _, variable := range container.Env {
		variables[variable.Name] = i.value(t, variable)
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		environment = append(environment, name+"="+variables[name])
	}
	var arguments []string
	for _, argument := range container.Args {
		if strings.HasPrefix(argument, "--shutdown-grace-period=") {
			argument = "--shutdown-grace-period=0" // no client is waited for here
		}
		for name, value := range variables {
			argument = strings.ReplaceAll(argument, "$("+name+")", value)
		}
		arguments = append(arguments, argument)
	}
	return cluster.RunPortico(t, harness.Setup{Name: i.pod.Name, Account: account}, environment, arguments)
}

func (i installed) value(t *testing.T, variable corev1.EnvVar) string {
	t.Helper()
	if variable.ValueFrom == nil || variable.ValueFrom.FieldRef == nil {
		return variable.Value
	}
	path := variable.ValueFrom.FieldRef.FieldPath
	if label, found := strings.CutPrefix(path, "metadata.labels['"); found {
		return i.pod.Labels[strings.TrimSuffix(label, "']")]
	}
	switch path {
	case "metadata.name":
		return i.pod.Name
	case "metadata.namespace":
		return i.namespace
	case "status.podIP":
		return i.pod.Status.PodIP
	case "spec.nodeName":
		return i.pod.Spec.NodeName
	default:
		t.Fatalf("the kubelet of these tests does not know %q", path)
		return ""
	}
}

// right is one of the chart's, taken apart.
type right struct {
	namespace             string // "" is everywhere
	verb, group, resource string
	name                  string // "" is all
}

func (r right) String() string {
	out := r.verb + " " + r.resource
	if r.group != "" {
		out += "." + r.group
	}
	if r.name != "" {
		out += " named " + r.name
	}
	if r.namespace != "" {
		out += " in " + r.namespace
	}
	return out
}

func (r right) covers(deed harness.Deed) bool {
	return r.verb == deed.Verb && r.group == deed.Group && r.resource == deed.Resource &&
		(r.namespace == "" || r.namespace == deed.Namespace) && (r.name == "" || r.name == deed.Name)
}

// rightsOf reads the roles that are bound to an account.
func rightsOf(t *testing.T, namespace, account string) []right {
	t.Helper()
	ctx, api := context.Background(), cluster.Client.RbacV1()
	isOurs := func(subjects []rbacv1.Subject) bool {
		return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Name == account && s.Namespace == namespace })
	}
	var rights []right
	everywhere, err := api.ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	must(t, err)
	for _, binding := range everywhere.Items {
		if isOurs(binding.Subjects) {
			role, err := api.ClusterRoles().Get(ctx, binding.RoleRef.Name, metav1.GetOptions{})
			must(t, err)
			rights = append(rights, takenApart("", role.Rules)...)
		}
	}
	here, err := api.RoleBindings("").List(ctx, metav1.ListOptions{})
	must(t, err)
	for _, binding := range here.Items {
		if isOurs(binding.Subjects) {
			role, err := api.Roles(binding.Namespace).Get(ctx, binding.RoleRef.Name, metav1.GetOptions{})
			must(t, err)
			rights = append(rights, takenApart(binding.Namespace, role.Rules)...)
		}
	}
	return rights
}

func takenApart(namespace string, rules []rbacv1.PolicyRule) []right {
	var rights []right
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range names {
						rights = append(rights, right{namespace, verb, group, resource, name})
					}
				}
			}
		}
	}
	return rights
}

// unusedOf complains of every right that nothing was done by.
func unusedOf(rights []right, deeds harness.Deeds) error {
	var unused []string
	for _, right := range rights {
		used := false
		for deed := range deeds.Done {
			used = used || right.covers(deed)
		}
		if !used {
			unused = append(unused, right.String())
		}
	}
	if len(unused) > 0 {
		slices.Sort(unused)
		return fmt.Errorf("%d of %d rights were never used: %s", len(unused), len(rights), strings.Join(slices.Compact(unused), ", "))
	}
	return nil
}

func TestTheChartGrantsWhatIsUsedAndNothingElse(t *testing.T) {
	t.Parallel()
	knowForeignKinds(t)
	for _, row := range []struct {
		name      string
		arguments []string
		selected  bool   // its namespace must be labelled to be served
		published bool   // by its Service of type LoadBalancer
		silent    bool   // it writes no status
		refused   string // the resource it does without
	}{
		{name: "defaults", published: true},
		// IngressClasses have no namespace: no right to them can be had in one.
		{name: "one-namespace", arguments: values("scope"), refused: "ingressclasses"},
		{name: "selected-namespaces", arguments: values("namespace-selector"), selected: true},
		{name: "nodes-published", arguments: []string{"--set", "controller.publishService.enabled=false"}},
		{name: "no-status", silent: true, arguments: append(values("no-status"), "--set", "serviceAccount.create=true,serviceAccount.name=")},
	} {
		t.Run(row.name, func(t *testing.T) {
			release := install(t, row.arguments...)
			if row.selected {
				patch(t, release.namespace, "namespace", release.namespace, `{"metadata":{"labels":{"team":"a"}}}`)
			}
			if row.published {
				setLoadBalancer(t, release.namespace, "portico-controller", corev1.LoadBalancerIngress{IP: "192.0.2.40"})
			}
			release.exercise(t, row.silent)
			account := release.pod.Spec.ServiceAccountName
			deeds := cluster.DeedsOf(t, release.namespace, account)
			maps.DeleteFunc(deeds.Refused, func(deed harness.Deed, _ bool) bool { return deed.Resource == row.refused })
			if len(deeds.Refused) > 0 {
				t.Errorf("rights too few: %v", slices.Collect(maps.Keys(deeds.Refused)))
			}
			if err := unusedOf(rightsOf(t, release.namespace, account), deeds); err != nil {
				t.Error(err)
			}
		})
	}
}

func values(name string) []string {
	return []string{"--values", chartFolder + "/ci/" + name + "-values.yaml"}
}

// exercise makes Portico do all that it does to the API server: serve, write status, hold its Lease, and complain.
func (i installed) exercise(t *testing.T, silent bool) {
	t.Helper()
	portico := i.start(t)
	// Hosts of its own: Ingresses of the releases before may not be gone yet.
	class, domain := classOf(i.pod), "."+i.namespace[len(i.namespace)-5:]+".test"
	cluster.Service(t, i.namespace, "shop", 1)
	cluster.Apply(t, withTLS(harness.Ingress(i.namespace, "shop", class, harness.Everything("shop"+domain, "shop")), "tls"+domain))
	harness.Eventually(t, "served", func() error { return portico.Serves("http://shop"+domain+"/", "shop") })
	if !silent {
		harness.Eventually(t, "status", func() error {
			status, err := statusOf(i.namespace, "shop")
			if err == nil && len(status) == 0 {
				err = errors.New("it is empty")
			}
			return err
		})
	}
	cluster.Apply(t, harness.Ingress(i.namespace, "broken", class, harness.Everything("broken"+domain, "not-there")))
	harness.Eventually(t, "a complaint", func() error { return i.complained("broken", 1) })
	must(t, portico.Stop())
	// Who leads next takes its predecessor's Events over.
	portico = i.start(t)
	harness.Eventually(t, "the complaint again", func() error { return i.complained("broken", 2) })
	must(t, portico.Stop())
	// The next release is to find nothing of this one.
	must(t, cluster.Client.NetworkingV1().Ingresses(i.namespace).DeleteCollection(context.Background(), deleteNow, metav1.ListOptions{}))
}

// complained is content where there is an Event about that Ingress, told so often.
func (i installed) complained(ingress string, times int32) error {
	events, err := cluster.Client.EventsV1().Events(i.namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, event := range events.Items {
		if event.Regarding.Name == ingress && (times == 1 || event.Series != nil && event.Series.Count >= times) {
			return nil
		}
	}
	return fmt.Errorf("no such Event among %d", len(events.Items))
}

func classOf(pod corev1.Pod) string {
	for _, argument := range pod.Spec.Containers[0].Args {
		if name, found := strings.CutPrefix(argument, "--ingress-class="); found {
			return name
		}
	}
	return "portico"
}

func TestTheChartLeavesNothingBehindWhenItIsUninstalled(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	releasing.Lock()
	defer releasing.Unlock()
	helm(t, "install", release, chartFolder, "--namespace", namespace)
	helm(t, "upgrade", release, chartFolder, "--namespace", namespace, "--set", "controller.replicaCount=2")
	helm(t, "uninstall", release, "--namespace", namespace, "--wait")
	left := kubectl(t, "", "get", "clusterroles,clusterrolebindings,ingressclasses", "--output", "name",
		"--selector", "app.kubernetes.io/instance="+release)
	left += kubectl(t, "", "get", "deployments,services,configmaps,roles,rolebindings,networkpolicies,poddisruptionbudgets",
		"--namespace", namespace, "--output", "name", "--selector", "app.kubernetes.io/instance="+release)
	if strings.TrimSpace(left) != "" {
		t.Errorf("left: %s", left)
	}
}
