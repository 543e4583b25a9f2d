package harness

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// By these labels a pod knows what to say of itself.
const (
	serviceLabel = "e2e.portico.dev/service"
	ingressLabel = "e2e.portico.dev/ingress"
)

// controllerOf is spec.controller of a test's classes: what is of other tests' is not its Portico's.
func controllerOf(class string) string { return "e2e.portico.dev/" + class }

// PortName and ServicePort are how rules may name a Service's port.
const (
	PortName    = "web"
	ServicePort = 80
)

// Class makes the IngressClass that a Portico with that Setup.Class serves, gone with the test.
func (c *Cluster) Class(t testing.TB, name string) {
	t.Helper()
	c.ClassBeside(t, name, name)
}

// ClassBeside makes an IngressClass that is served beside `class`: of the same controller.
func (c *Cluster) ClassBeside(t testing.TB, class, name string) {
	t.Helper()
	ctx := context.Background()
	object := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: networkingv1.IngressClassSpec{Controller: controllerOf(class)}}
	if _, err := c.Client.NetworkingV1().IngressClasses().Create(ctx, object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Client.NetworkingV1().IngressClasses().Delete(ctx, name, metav1.DeleteOptions{}) })
}

// Path is one path of a rule: it goes to the port named `web` where `port` is 0.
func Path(kind networkingv1.PathType, path, service string, port int32) networkingv1.HTTPIngressPath {
	return networkingv1.HTTPIngressPath{Path: path, PathType: &kind, Backend: Backend(service, port)}
}

// Backend names a Service and its port; 0 is the port named `web`.
func Backend(service string, port int32) networkingv1.IngressBackend {
	to := networkingv1.ServiceBackendPort{Number: port}
	if port == 0 {
		to.Name = PortName
	}
	return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service, Port: to}}
}

// Rule is a host's paths.
func Rule(host string, paths ...networkingv1.HTTPIngressPath) networkingv1.IngressRule {
	return networkingv1.IngressRule{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
		HTTP: &networkingv1.HTTPIngressRuleValue{Paths: paths}}}
}

// Everything is the rule that sends all of a host to a Service.
func Everything(host, service string) networkingv1.IngressRule {
	return Rule(host, Path(networkingv1.PathTypePrefix, "/", service, ServicePort))
}

// Ingress of that class.
func Ingress(namespace, name, class string, rules ...networkingv1.IngressRule) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: networkingv1.IngressSpec{IngressClassName: &class, Rules: rules}}
}

// Apply creates an Ingress.
func (c *Cluster) Apply(t testing.TB, ingress *networkingv1.Ingress) *networkingv1.Ingress {
	t.Helper()
	created, err := c.Client.NetworkingV1().Ingresses(ingress.Namespace).Create(context.Background(), ingress, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// Service makes a Service of pods that answer, without a Deployment: its EndpointSlices are written by hand.
func (c *Cluster) Service(t testing.TB, namespace, name string, replicas int) []Pod {
	t.Helper()
	ctx := context.Background()
	if _, err := c.Client.CoreV1().Services(namespace).Create(ctx, PlainService(namespace, name), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var pods []Pod
	for i := range replicas {
		pod, err := c.Pods.Add(Identity{Namespace: namespace, Service: name, Pod: podName(name, i)})
		if err != nil {
			t.Fatal(err)
		}
		pods = append(pods, pod)
		if _, err := c.Client.DiscoveryV1().EndpointSlices(namespace).Create(ctx,
			Slice(namespace, name, podName(name, i), pod), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return pods
}

func podName(service string, number int) string { return service + "-" + string(rune('a'+number)) }

// PlainService is a Service without a selector.
func PlainService(namespace, name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: PortName, Port: ServicePort, TargetPort: intstr.FromString("http")}}}}
}

// Slice is an EndpointSlice of a Service with these pods, all on one port.
func Slice(namespace, service, name string, pods ...Pod) *discoveryv1.EndpointSlice {
	port, portName, ready := pods[0].Port, PortName, true
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{
			discoveryv1.LabelServiceName: service, discoveryv1.LabelManagedBy: "e2e.portico.dev"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &portName, Port: &port}},
	}
	for _, pod := range pods {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{pod.Address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}})
	}
	return slice
}

// Deployment makes a Deployment and the Service that selects its pods, and waits until all are ready.
func (c *Cluster) Deployment(t testing.TB, namespace, name string, replicas int32) {
	t.Helper()
	c.OwnPlane(t)
	ctx := context.Background()
	labels := map[string]string{"app": name, serviceLabel: name}
	service := PlainService(namespace, name)
	service.Spec.Selector = map[string]string{"app": name}
	if _, err := c.Client.CoreV1().Services(namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Client.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "echo", Image: "echo",
					Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: c.Pods.Port()}}}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.AwaitDeployment(t, namespace, name, replicas)
}

// Scale changes a Deployment's replicas and waits until they are ready.
func (c *Cluster) Scale(t testing.TB, namespace, name string, replicas int32) {
	t.Helper()
	ctx := context.Background()
	scale, err := c.Client.AppsV1().Deployments(namespace).GetScale(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scale.Spec.Replicas = replicas
	if _, err := c.Client.AppsV1().Deployments(namespace).UpdateScale(ctx, name, scale, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.AwaitDeployment(t, namespace, name, replicas)
}

// AwaitDeployment waits until so many pods are ready, and no others.
func (c *Cluster) AwaitDeployment(t testing.TB, namespace, name string, replicas int32) {
	t.Helper()
	Eventually(t, "ready pods of "+name, func() error {
		deployment, err := c.Client.AppsV1().Deployments(namespace).Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		status := deployment.Status
		if status.ObservedGeneration != deployment.Generation || status.ReadyReplicas != replicas || status.Replicas != replicas {
			return errorf("%d of %d ready, %d wanted", status.ReadyReplicas, status.Replicas, replicas)
		}
		return nil
	})
}

// Secret makes a kubernetes.io/tls Secret.
func (c *Cluster) Secret(t testing.TB, namespace, name string, pair Pair) *corev1.Secret {
	t.Helper()
	created, err := c.Client.CoreV1().Secrets(namespace).Create(context.Background(),
		TLSSecret(namespace, name, pair), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// TLSSecret holds a certificate.
func TLSSecret(namespace, name string, pair Pair) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key}}
}
