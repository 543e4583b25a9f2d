package cluster

import (
	"strings"
	"testing"
)

// What the chart makes of values, where one value decides over what stands elsewhere.
func TestTheChartMakesOfItsValues(t *testing.T) {
	version := serverVersion(t)
	for _, row := range []struct {
		name   string
		values []string
		has    []string
		hasNot []string
	}{
		{"an unprivileged pod", nil,
			[]string{"runAsUser: 65532", "readOnlyRootFilesystem: true", "drop: [ALL]", "allowPrivilegeEscalation: false", "type: RuntimeDefault"},
			[]string{"NET_BIND_SERVICE", "ip_unprivileged_port_start", "portico-low-ports"}},
		{"a roll-out without loss", nil,
			[]string{"maxUnavailable: 0", "path: /readyz", "--shutdown-grace-period=10", "--worker-shutdown-timeout=240", "terminationGracePeriodSeconds: 300"}, nil},
		{"a drain that fits in a shorter end", []string{"controller.terminationGracePeriodSeconds=30"},
			[]string{"--shutdown-grace-period=10", "--worker-shutdown-timeout=15"}, nil},
		{"low ports in the pod's network by a kernel setting", []string{"controller.containerPort.http=80", "controller.containerPort.https=443"},
			[]string{"--http-address=[::]:80", "net.ipv4.ip_unprivileged_port_start", `value: "80"`}, []string{"NET_BIND_SERVICE", "portico-low-ports"}},
		{"low ports in the node's network by the one capability", []string{"controller.hostNetwork=true"},
			[]string{"--http-address=[::]:80", "--https-address=[::]:443", "add: [NET_BIND_SERVICE]", "command: [/usr/local/bin/portico-low-ports]"},
			[]string{"ip_unprivileged_port_start", "kind: NetworkPolicy"}},
		{"no program that could not start", []string{"controller.hostNetwork=true", "controller.containerSecurityContext.capabilities.drop[0]=ALL"},
			nil, []string{"portico-low-ports"}},
		{"no more rights than high ports on a node need", []string{"controller.hostNetwork=true", "controller.containerPort.http=8080", "controller.containerPort.https=8443"},
			[]string{"--http-address=[::]:8080"}, []string{"NET_BIND_SERVICE", "ip_unprivileged_port_start"}},
		{"old pods first where two can't share a port", []string{"controller.hostPort.enabled=true", "controller.kind=DaemonSet"},
			[]string{"maxUnavailable: 1", "maxSurge: 0", "hostPort: 80", "containerPort: 8080"}, nil},
		{"an access log", nil, []string{"--access-log=nginx"}, nil},
		{"no access log", []string{"controller.config.disable-access-log=true"}, []string{"--access-log=off"}, []string{"disable-access-log"}},
		{"ingress-nginx's image never", []string{"controller.image.image=ingress-nginx/controller", "controller.image.tag=v1.15.1", "controller.image.digest=sha256:0"},
			[]string{"image: ghcr.io/portico-proxy/portico:"}, []string{"ingress-nginx/controller", "sha256:0"}},
		{"ingress-nginx's hooks and probes", []string{"controller.lifecycle.preStop.exec.command[0]=/wait-shutdown", "controller.readinessProbe.httpGet.path=/healthz"},
			[]string{"path: /readyz"}, []string{"/wait-shutdown"}},
		{"ingress-nginx's class", []string{"controller.ingressClassResource.name=nginx", "controller.ingressClassResource.controllerValue=k8s.io/ingress-nginx"},
			[]string{"--ingress-class=nginx", "--controller-class=k8s.io/ingress-nginx", "controller: k8s.io/ingress-nginx"}, nil},
		{"one admin port for all", []string{"controller.metrics.enabled=true", "controller.extraArgs.healthz-port=10300"},
			[]string{"--admin-address=[::]:10300", "containerPort: 10300", "port: 10300"}, []string{"healthz-port", "containerPort: 10254"}},
		{"status by addresses, not by Service", []string{"controller.extraArgs.publish-status-address=192.0.2.1"},
			[]string{"--publish-status-address=192.0.2.1"}, []string{"--publish-service", "nodes"}},
		{"no cluster-wide rights", []string{"controller.scope.enabled=true", "rbac.scope=true"},
			[]string{"--watch-namespace=", "kind: Role"}, []string{"ClusterRole"}},
		{"a budget for replicas only", []string{"controller.autoscaling.enabled=true", "controller.autoscaling.minReplicas=2"},
			[]string{"kind: PodDisruptionBudget", "kind: HorizontalPodAutoscaler"}, []string{"replicas: 1"}},
		{"no public Service by accident", []string{"controller.service.internal.enabled=true"}, nil, []string{"portico-controller-internal"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			arguments := []string{"template", release, chartFolder, "--kube-version", version}
			for _, value := range row.values {
				arguments = append(arguments, "--set", value)
			}
			manifests := helm(t, arguments...)
			for _, text := range row.has {
				if !strings.Contains(manifests, text) {
					t.Errorf("there is no %q in:\n%s", text, manifests)
				}
			}
			for _, text := range row.hasNot {
				if strings.Contains(manifests, text) {
					t.Errorf("there is %q in:\n%s", text, manifests)
				}
			}
		})
	}
}

// withoutEffect is the part of the notes that names values.
func withoutEffect(t *testing.T, arguments ...string) string {
	t.Helper()
	out := helm(t, append([]string{"install", release, chartFolder, "--namespace", "default", "--dry-run=client"}, arguments...)...)
	_, notes, _ := strings.Cut(out, "\nNOTES:\n")
	_, named, _ := strings.Cut(notes, "VALUES WITHOUT EFFECT")
	return named
}

func TestTheChartNamesEveryValueWithoutEffect(t *testing.T) {
	for value, named := range map[string]string{
		"controller.replicaCount=2":                                     "",
		"controller.admissionWebhooks.enabled=false":                    "",
		"controller.enableMimalloc=true":                                "",
		"controller.enableMimalloc=false":                               "controller.enableMimalloc",
		"controller.admissionWebhooks.failurePolicy=Ignore":             "controller.admissionWebhooks.failurePolicy",
		"controller.admissionWebhooks.patch.image.registry=a.b":         "controller.admissionWebhooks.patch.image.registry",
		"controller.allowSnippetAnnotations=true":                       "controller.allowSnippetAnnotations",
		"controller.containerPort.special=9000":                         "controller.containerPort.special",
		"controller.extraArgs.enable-ssl-passthrough=":                  "",
		"controller.extraArgs.there-is-no-such-flag=1":                  "controller.extraArgs.there-is-no-such-flag",
		"controller.extraArgs.http-port=8081":                           "",
		"controller.image.tag=v1.15.1":                                  "controller.image.tag",
		"controller.replicas=2":                                         "controller.replicas",
		"controller.service.targetPorts.http=elsewhere":                 "controller.service.targetPorts.http",
		"controller.service.internal.enabled=true":                      "controller.service.internal.enabled",
		"controller.healthCheckPath=/alive":                             "controller.healthCheckPath",
		"tcp.9000=default/a:9000":                                       "tcp",
		"controller.config.worker-shutdown-timeout=1h":                  "controller.config.worker-shutdown-timeout",
		"controller.config.proxy-body-size=8m":                          "",
		"controller.config.server-tokens=false":                         "",
		"controller.config.server-tokens=true":                          "controller.config.server-tokens",
		"controller.config.enable-modsecurity=true":                     "controller.config.enable-modsecurity",
		"controller.config.proxy-body-sise=8m":                          "controller.config.proxy-body-sise",
		"controller.config.disable-access-log=true":                     "",
		"controller.podAnnotations.anything=at-all":                     "",
		"controller.kind=DaemonSet,controller.autoscaling.enabled=true": "controller.autoscaling.enabled",
		"controller.metrics.serviceMonitor.enabled=true":                "controller.metrics.serviceMonitor.enabled",
		"controller.reportNodeInternalIp=true":                          "controller.reportNodeInternalIp",
		"controller.opentelemetry.enabled=true":                         "controller.opentelemetry.enabled",
		"controller.affinity.podAntiAffinity.test=ingress-nginx":        "controller.affinity",
		"defaultBackend.enabled=true,defaultBackend.image.tag=1.15":     "",
	} {
		t.Run(value, func(t *testing.T) {
			got := withoutEffect(t, "--set", value)
			if named == "" && got != "" || named != "" && !strings.Contains(got, "\n  "+named+"\n") {
				t.Errorf("wanted %q, got %q", named, got)
			}
		})
	}
}

func TestTheChartsPodsKeepTheRestrictedStandard(t *testing.T) {
	namespace := cluster.Namespace(t)
	kubectl(t, "", "label", "namespace", namespace, "pod-security.kubernetes.io/warn=restricted")
	for _, values := range []string{"default", "low-ports", "default-backend", "autoscaling"} {
		t.Run(values, func(t *testing.T) {
			manifests := helm(t, "template", release, chartFolder, "--namespace", namespace, "--kube-version", serverVersion(t),
				"--values", chartFolder+"/ci/"+values+"-values.yaml")
			told := kubectl(t, manifests, "apply", "--server-side", "--dry-run=server", "--namespace", namespace, "--filename", "-")
			if strings.Contains(told, "violate") {
				t.Error(told)
			}
		})
	}
}
