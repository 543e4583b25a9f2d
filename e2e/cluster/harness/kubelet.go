package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// How long an ending pod goes on serving: what a preStop hook that sleeps gives in real clusters.
const lameDuck = 3 * time.Second

// Node is the name of the one node, and NodeAddress its address.
const (
	Node        = "node-a"
	NodeAddress = "10.244.0.2"
)

// kubelet plays the scheduler and the node: pods are bound, get an address, run and are ready at once; deleted ones
// serve a moment longer, within their grace period, and are gone.
type kubelet struct {
	client kubernetes.Interface
	pods   *Pods

	mutex   sync.Mutex
	running map[types.UID]Pod
	ending  map[types.UID]bool

	stopWatching context.CancelFunc
}

func startKubelet(client kubernetes.Interface, pods *Pods) (*kubelet, error) {
	agent := &kubelet{client: client, pods: pods, running: map[types.UID]Pod{}, ending: map[types.UID]bool{},
		stopWatching: func() {}}
	if err := agent.register(); err != nil {
		return nil, err
	}
	return agent, agent.watch()
}

// watch begins anew, whatever the watch before it is waiting for.
func (k *kubelet) watch() error {
	k.stopWatching()
	var ctx context.Context
	ctx, k.stopWatching = context.WithCancel(context.Background())
	factory := informers.NewSharedInformerFactory(k.client, time.Second)
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.see(object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { k.see(object.(*corev1.Pod)) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	return nil
}

func (k *kubelet) register() error {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: Node, Labels: map[string]string{"kubernetes.io/hostname": Node}},
	}
	ctx := context.Background()
	created, err := k.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("the node: %w", err)
	}
	created.Status = corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: NodeAddress}, {Type: corev1.NodeHostName, Address: Node}},
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now(),
			LastTransitionTime: metav1.Now(), Reason: "KubeletReady"}},
	}
	_, err = k.client.CoreV1().Nodes().UpdateStatus(ctx, created, metav1.UpdateOptions{})
	return err
}

// see acts on a pod's state; what fails is tried again a second later.
func (k *kubelet) see(pod *corev1.Pod) {
	switch {
	case pod.DeletionTimestamp != nil:
		k.end(pod)
	case pod.Spec.NodeName == "":
		k.bind(pod)
	case pod.Status.Phase == corev1.PodPending:
		k.run(pod)
	}
}

func (k *kubelet) bind(pod *corev1.Pod) {
	_ = k.client.CoreV1().Pods(pod.Namespace).Bind(context.Background(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: Node},
	}, metav1.CreateOptions{})
}

func (k *kubelet) run(pod *corev1.Pod) {
	place, err := k.place(pod)
	if err != nil {
		return
	}
	now := metav1.Now()
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, HostIP: NodeAddress, PodIP: place.Address,
		HostIPs: []corev1.HostIP{{IP: NodeAddress}}, PodIPs: []corev1.PodIP{{IP: place.Address}}, StartTime: &now,
	}
	for _, condition := range []corev1.PodConditionType{
		corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions,
			corev1.PodCondition{Type: condition, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: true,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}})
	}
	update := pod.DeepCopy()
	update.Status = status
	_, _ = k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(context.Background(), update, metav1.UpdateOptions{})
}

// place gives the pod an address, one for its life.
func (k *kubelet) place(pod *corev1.Pod) (Pod, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if place, known := k.running[pod.UID]; known {
		return place, nil
	}
	place, err := k.pods.Add(Identity{
		Namespace: pod.Namespace, Pod: pod.Name,
		Service: pod.Labels[serviceLabel], Ingress: pod.Labels[ingressLabel]})
	if err == nil {
		k.running[pod.UID] = place
	}
	return place, err
}

func (k *kubelet) end(pod *corev1.Pod) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.ending[pod.UID] {
		return
	}
	k.ending[pod.UID] = true
	grace := lameDuck
	if seconds := pod.DeletionGracePeriodSeconds; seconds != nil {
		grace = min(grace, time.Duration(*seconds)*time.Second)
	}
	time.AfterFunc(grace, func() { k.remove(pod) })
}

func (k *kubelet) remove(pod *corev1.Pod) {
	k.mutex.Lock()
	if place, known := k.running[pod.UID]; known {
		k.pods.Remove(place)
		delete(k.running, pod.UID)
	}
	k.mutex.Unlock()
	now := int64(0)
	_ = poll(Patience, func() error {
		return ignoreNotFound(k.client.CoreV1().Pods(pod.Namespace).Delete(context.Background(), pod.Name,
			metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID}}))
	})
}
