package harness

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"portico.dev/portico/e2e/cluster/assets"
)

// ControlPlane is an API server with its etcd and the controllers that make Pods, EndpointSlices and accounts.
//
// Lifetime: the API server can be killed and started again; it comes back on the same port, with the same objects.
type ControlPlane struct {
	AuditLog string

	assets     assets.Assets
	admin      Pair
	folder     string
	authority  *Authority
	signingKey *ecdsa.PrivateKey
	etcdPort   int
	port       int

	etcd, apiServer, controllers *Process
}

// Everything the API server sees Portico do; nobody else is of interest.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: None
`

func startControlPlane(found assets.Assets, folder string) (*ControlPlane, error) {
	plane := &ControlPlane{assets: found, folder: folder, AuditLog: filepath.Join(folder, "audit.log")}
	if err := plane.prepare(); err != nil {
		return nil, err
	}
	if err := plane.startEtcd(); err != nil {
		return nil, err
	}
	if err := plane.StartAPIServer(); err != nil {
		return nil, err
	}
	return plane, plane.startControllers()
}

func (c *ControlPlane) file(name string) string { return filepath.Join(c.folder, name) }

// prepare makes certificates, keys and the files that name them.
func (c *ControlPlane) prepare() error {
	var err error
	if c.authority, err = NewAuthority("portico-e2e"); err != nil {
		return err
	}
	if c.admin, err = c.authority.Issue("admin", []string{"system:masters"}); err != nil {
		return err
	}
	if c.signingKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	if err := c.writeSigningKey(); err != nil {
		return err
	}
	if c.etcdPort, err = freePort(); err != nil {
		return err
	}
	if c.port, err = freePort(); err != nil {
		return err
	}
	server, err := c.authority.Issue("kube-apiserver", nil, "127.0.0.1", "localhost", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	if err := server.write(c.file("apiserver")); err != nil {
		return err
	}
	if err := os.WriteFile(c.file("ca.crt"), c.authority.PEM, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(c.file("audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	return c.writeKubeconfig("controllers", "controllers", "system:masters")
}

func (c *ControlPlane) writeSigningKey() error {
	key, err := encodeKey(c.signingKey)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file("accounts.key"), key, 0o600); err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(c.signingKey.Public())
	if err != nil {
		return err
	}
	return os.WriteFile(c.file("accounts.pub"), encodePEM("PUBLIC KEY", public), 0o600)
}

func (c *ControlPlane) startEtcd() error {
	client := fmt.Sprintf("http://127.0.0.1:%d", c.etcdPort)
	peers, err := freePort()
	if err != nil {
		return err
	}
	peer := fmt.Sprintf("http://127.0.0.1:%d", peers)
	c.etcd, err = startProcess("etcd", c.assets[assets.Etcd], nil,
		"--data-dir="+c.file("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	return err
}

// StartAPIServer starts it and waits until it is ready.
func (c *ControlPlane) StartAPIServer() error {
	var err error
	c.apiServer, err = startProcess("kube-apiserver", c.assets[assets.APIServer], nil,
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", c.etcdPort),
		"--bind-address=127.0.0.1", "--advertise-address=10.244.0.1", fmt.Sprintf("--secure-port=%d", c.port),
		"--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none",
		"--tls-cert-file="+c.file("apiserver.crt"), "--tls-private-key-file="+c.file("apiserver.key"),
		"--client-ca-file="+c.file("ca.crt"), "--authorization-mode=RBAC",
		"--allow-privileged=true", "--disable-admission-plugins=ServiceAccount",
		"--service-account-issuer="+c.URL()+"/", "--service-account-key-file="+c.file("accounts.pub"),
		"--service-account-signing-key-file="+c.file("accounts.key"),
		"--audit-policy-file="+c.file("audit-policy.yaml"), "--audit-log-path="+c.AuditLog,
		"--audit-log-mode=blocking", "--cert-dir="+c.folder)
	if err != nil {
		return err
	}
	if err := poll(Patience, c.ready); err != nil {
		return fmt.Errorf("%w\n%s", err, c.apiServer.Log())
	}
	return nil
}

func (c *ControlPlane) ready() error {
	if !c.apiServer.Running() {
		return fmt.Errorf("the API server ended")
	}
	client, err := kubernetes.NewForConfig(c.AdminConfig())
	if err != nil {
		return err
	}
	_, err = client.Discovery().RESTClient().Get().AbsPath("/readyz").Timeout(time.Second).DoRaw(context.Background())
	return err
}

// KillAPIServer ends it by SIGKILL.
func (c *ControlPlane) KillAPIServer() { c.apiServer.Kill() }

// RestartControllers makes them ask the API server at once: after an outage theirs wait for up to a minute.
func (c *ControlPlane) RestartControllers() error {
	c.controllers.Kill()
	return c.startControllers()
}

// Compact makes etcd forget every version of every object but the last.
func (c *ControlPlane) Compact(ctx context.Context) error {
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{fmt.Sprintf("http://127.0.0.1:%d", c.etcdPort)}, DialTimeout: Patience})
	if err != nil {
		return err
	}
	defer client.Close()
	answer, err := client.Get(ctx, "anything")
	if err != nil {
		return err
	}
	_, err = client.Compact(ctx, answer.Header.Revision, clientv3.WithCompactPhysical())
	return err
}

func (c *ControlPlane) startControllers() error {
	var err error
	c.controllers, err = startProcess("kube-controller-manager", c.assets[assets.ControllerManager], nil,
		"--kubeconfig="+c.file("controllers.kubeconfig"), "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=300", "--kube-api-burst=600",
		"--controllers=deployment-controller,replicaset-controller,endpointslice-controller,namespace-controller,"+
			"garbage-collector-controller,serviceaccount-controller",
		"--service-account-private-key-file="+c.file("accounts.key"), "--root-ca-file="+c.file("ca.crt"))
	return err
}

// URL of the API server.
func (c *ControlPlane) URL() string { return fmt.Sprintf("https://127.0.0.1:%d", c.port) }

// AdminConfig is for who may do everything.
func (c *ControlPlane) AdminConfig() *rest.Config {
	return &rest.Config{
		Host: c.URL(),
		TLSClientConfig: rest.TLSClientConfig{
			CAData: c.authority.PEM, CertData: c.admin.Certificate, KeyData: c.admin.Key},
		QPS: 2000, Burst: 4000,
	}
}

// writeKubeconfig writes NAME.kubeconfig for that user.
func (c *ControlPlane) writeKubeconfig(name, user string, groups ...string) error {
	pair, err := c.authority.Issue(user, groups)
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{Server: c.URL(), CertificateAuthorityData: c.authority.PEM}
	config.AuthInfos["e2e"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "e2e"}
	config.CurrentContext = "e2e"
	return clientcmd.WriteToFile(*config, c.file(name+".kubeconfig"))
}

// A port that nobody listens on: only for programs that can't choose their own.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
