package harness

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const roleName = "portico-e2e"

// The rights Portico may need with any flags. What the chart grants is held against what is used in chart_test.go.
func allRights() []rbacv1.PolicyRule {
	watch := []string{"get", "list", "watch"}
	return []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Verbs: watch,
			Resources: []string{"services", "secrets", "configmaps", "namespaces", "nodes", "pods", "endpoints"}},
		{APIGroups: []string{"discovery.k8s.io"}, Verbs: watch, Resources: []string{"endpointslices"}},
		{APIGroups: []string{"networking.k8s.io"}, Verbs: watch, Resources: []string{"ingresses", "ingressclasses"}},
		{APIGroups: []string{"networking.k8s.io"}, Verbs: []string{"update", "patch"}, Resources: []string{"ingresses/status"}},
		{APIGroups: []string{"coordination.k8s.io"}, Verbs: []string{"get", "create", "update", "patch"},
			Resources: []string{"leases"}},
		{APIGroups: []string{"events.k8s.io", ""}, Verbs: []string{"create", "patch"}, Resources: []string{"events"}},
	}
}

func (c *Cluster) createRole(ctx context.Context) error {
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: roleName}, Rules: allRights()}
	_, err := c.Client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// Account is a ServiceAccount and the files by which Portico is it.
type Account struct {
	Namespace, Name string
	Kubeconfig      string
	TokenFile       string

	cluster *Cluster
}

// Account makes a ServiceAccount that has all rights Portico may need, gone with the test. `server` is the URL by
// which it reaches the API server.
func (c *Cluster) Account(t testing.TB, namespace, server string) *Account {
	t.Helper()
	return c.accountWith(t, namespace, server, roleName)
}

// LimitedAccount makes a ServiceAccount without any right to these resources.
func (c *Cluster) LimitedAccount(t testing.TB, namespace string, without ...string) *Account {
	t.Helper()
	ctx := context.Background()
	rules := allRights()
	for i := range rules {
		rules[i].Resources = slices.DeleteFunc(rules[i].Resources, func(name string) bool { return slices.Contains(without, name) })
	}
	rules = slices.DeleteFunc(rules, func(rule rbacv1.PolicyRule) bool { return len(rule.Resources) == 0 })
	role, err := c.Client.RbacV1().ClusterRoles().Create(ctx,
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: roleName + "-"}, Rules: rules}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Client.RbacV1().ClusterRoles().Delete(ctx, role.Name, metav1.DeleteOptions{}) })
	return c.accountWith(t, namespace, c.Config.Host, role.Name)
}

func (c *Cluster) accountWith(t testing.TB, namespace, server, role string) *Account {
	t.Helper()
	ctx := context.Background()
	account, err := c.Client.CoreV1().ServiceAccounts(namespace).Create(ctx,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{GenerateName: "portico-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	binding, err := c.Client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: roleName + "-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: account.Name}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Client.RbacV1().ClusterRoleBindings().Delete(ctx, binding.Name, metav1.DeleteOptions{})
	})
	return c.AccountOf(t, namespace, account.Name, server)
}

// AccountOf is a ServiceAccount that is there already, with a token for an hour.
func (c *Cluster) AccountOf(t testing.TB, namespace, name, server string) *Account {
	t.Helper()
	folder := t.TempDir()
	account := &Account{Namespace: namespace, Name: name, cluster: c,
		Kubeconfig: filepath.Join(folder, "kubeconfig"), TokenFile: filepath.Join(folder, "token")}
	account.RenewToken(t)
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: c.Config.CAData}
	config.AuthInfos["e2e"] = &clientcmdapi.AuthInfo{TokenFile: account.TokenFile}
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "e2e", Namespace: namespace}
	config.CurrentContext = "e2e"
	if err := clientcmd.WriteToFile(*config, account.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	return account
}

// RenewToken replaces the token in its file, as the kubelet does before one expires.
func (a *Account) RenewToken(t testing.TB) {
	t.Helper()
	answer, err := a.cluster.Client.CoreV1().ServiceAccounts(a.Namespace).CreateToken(context.Background(), a.Name,
		&authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, a.TokenFile, []byte(answer.Status.Token))
}

// How long after its expiry the API server still takes a token, for clocks that differ.
const leeway = time.Minute

// ShortToken puts a token into the file that is taken for `life` only: shorter than the API server would issue one.
func (a *Account) ShortToken(t testing.TB, life time.Duration) {
	t.Helper()
	account, err := a.cluster.Client.CoreV1().ServiceAccounts(a.Namespace).Get(context.Background(), a.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-2 * leeway)
	issuer := a.cluster.Plane.URL() + "/"
	token, err := signToken(a.cluster.Plane.signingKey, map[string]any{
		"iss": issuer, "aud": []string{issuer}, "sub": fmt.Sprintf("system:serviceaccount:%s:%s", a.Namespace, a.Name),
		"iat": begin.Unix(), "nbf": begin.Unix(), "exp": begin.Add(leeway + life).Unix(),
		"kubernetes.io": map[string]any{"namespace": a.Namespace,
			"serviceaccount": map[string]any{"name": a.Name, "uid": account.UID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, a.TokenFile, []byte(token))
}

// signToken makes a JWT (RFC 7519) by ES256.
func signToken(key *ecdsa.PrivateKey, claims map[string]any) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"ES256"}`)) + "." + encode(body)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature), nil
}

func replaceFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// MountAsPod puts the account where a pod finds it: the token, the CA and the namespace in /var/run/secrets. One
// account at a time.
func (a *Account) MountAsPod(t testing.TB) (environment []string) {
	t.Helper()
	a.cluster.OwnPlane(t)
	const folder = "/var/run/secrets/kubernetes.io/serviceaccount"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll("/var/run/secrets") })
	token, err := os.ReadFile(a.TokenFile)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, folder+"/token", token)
	replaceFile(t, folder+"/ca.crt", a.cluster.Config.CAData)
	replaceFile(t, folder+"/namespace", []byte(a.Namespace))
	return []string{"KUBERNETES_SERVICE_HOST=127.0.0.1", fmt.Sprintf("KUBERNETES_SERVICE_PORT=%d", a.cluster.Plane.port)}
}
