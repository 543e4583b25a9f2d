// Package harness is a Kubernetes API server with what a test needs around it: pods that answer, Portico, clients, and
// a way to the API server that fails as told.
package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"portico.dev/portico/e2e/cluster/assets"
)

// Cluster is what tests share.
//
// Thread: any.
type Cluster struct {
	Client kubernetes.Interface
	Config *rest.Config
	Pods   *Pods
	Assets assets.Assets
	// Nil where the cluster exists already: it can't be killed, and its nodes are its own.
	Plane *ControlPlane

	kubelet *kubelet
	folder  string
	admin   string // a kubeconfig
}

// Main brings up a cluster, runs the tests and returns their exit code.
//
// With USE_EXISTING_CLUSTER=true it is the one of $KUBECONFIG; tests that must break it, or play its nodes, are skipped.
func Main(m *testing.M, shared **Cluster) int {
	if os.Getenv("USE_EXISTING_CLUSTER") == "true" {
		return runTests(m, shared, existingCluster)
	}
	if insideSandbox() {
		return runTests(m, shared, newCluster)
	}
	found, err := assets.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	folder, err := os.MkdirTemp("", "portico-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(folder)
	environment := []string{folderVariable + "=" + folder}
	for name, path := range found {
		environment = append(environment, "TEST_ASSET_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+path)
	}
	return enterSandbox(environment)
}

const folderVariable = "PORTICO_E2E_FOLDER"

func runTests(m *testing.M, shared **Cluster, open func() (*Cluster, error)) int {
	cluster, err := open()
	if err != nil {
		fmt.Fprintln(os.Stderr, "no cluster:", err)
		return 2
	}
	*shared = cluster
	if err := cluster.prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "the cluster:", err)
		return 2
	}
	return m.Run()
}

func newCluster() (*Cluster, error) {
	if err := furnishSandbox(); err != nil {
		return nil, err
	}
	found, err := assets.Find()
	if err != nil {
		return nil, err
	}
	folder := os.Getenv(folderVariable)
	plane, err := startControlPlane(found, folder)
	if err != nil {
		return nil, err
	}
	if err := plane.writeKubeconfig("admin", "admin", "system:masters"); err != nil {
		return nil, err
	}
	cluster := &Cluster{Assets: found, Plane: plane, folder: folder, admin: plane.file("admin.kubeconfig"),
		Config: plane.AdminConfig()}
	if cluster.Pods, err = startPods(); err != nil {
		return nil, err
	}
	if cluster.Client, err = kubernetes.NewForConfig(cluster.Config); err != nil {
		return nil, err
	}
	cluster.kubelet, err = startKubelet(cluster.Client, cluster.Pods)
	return cluster, err
}

func existingCluster() (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 400
	found, err := assets.Find()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "portico-e2e-")
	if err != nil {
		return nil, err
	}
	address, err := outwardAddress()
	if err != nil {
		return nil, err
	}
	cluster := &Cluster{Assets: found, folder: folder, admin: rules.GetDefaultFilename(), Config: config,
		Pods: startPodsAt(address)}
	cluster.Client, err = kubernetes.NewForConfig(config)
	return cluster, err
}

// The address that this host has towards others: a pod's address may not be a loopback one. No packet is sent.
func outwardAddress() (net.IP, error) {
	connection, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	return connection.LocalAddr().(*net.UDPAddr).IP, nil
}

// prepare makes what all tests use.
func (c *Cluster) prepare() error { return c.createRole(context.Background()) }

// OwnPlane skips a test that can't be run on a cluster that is somebody's.
func (c *Cluster) OwnPlane(t testing.TB) {
	t.Helper()
	if c.Plane == nil {
		t.Skip("the existing cluster is not to be broken, and its nodes are its own")
	}
}

// RestartAPIServer starts it after KillAPIServer, and all that would wait long before it asks again.
func (c *Cluster) RestartAPIServer() error {
	return errors.Join(c.Plane.StartAPIServer(), c.Plane.RestartControllers(), c.kubelet.watch())
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// Namespace makes a namespace for this test, gone with it.
func (c *Cluster) Namespace(t testing.TB, labels ...string) string {
	t.Helper()
	name := notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-")
	name = strings.Trim(name[:min(len(name), 40)], "-") + "-"
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: name, Labels: pairs(labels)}}
	created, err := c.Client.CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := poll(Patience, func() error {
			return ignoreNotFound(c.Client.CoreV1().Namespaces().Delete(context.Background(), created.Name, metav1.DeleteOptions{}))
		})
		if err != nil {
			t.Errorf("namespace %s is left: %v", created.Name, err)
		}
	})
	return created.Name
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// pairs reads "key", "value", "key", "value".
func pairs(list []string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		out[list[i]] = list[i+1]
	}
	return out
}

// Kubeconfig is a file for who may do everything.
func (c *Cluster) Kubeconfig() string { return c.admin }

// Folder is for files of this run.
func (c *Cluster) Folder() string { return c.folder }
