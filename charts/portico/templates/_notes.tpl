{{- /* What NOTES says of values that have no effect here. Each line is "PATH<tab>WHY". */ -}}

{{- /* unserved (list PATH VALUES KNOWN IGNORED): values under PATH that the chart does not serve. KNOWN is the tree of
       those it serves, IGNORED those it knows and does not serve, by path. */ -}}
{{- define "portico.notes.unserved" -}}
{{- $path := index . 0 -}}
{{- $known := index . 2 -}}
{{- $ignored := index . 3 -}}
{{- range $key, $value := index . 1 -}}
{{- $at := printf "%s%s" $path $key -}}
{{- if kindIs "invalid" $value -}}
{{- else if hasKey $ignored $at -}}
{{- $entry := index $ignored $at -}}
{{- range include "portico.notes.differing" (list $at $value $entry.default ($entry.quiet | default list) "") | trim | splitList "\n" -}}
{{- if . }}{{ . }}{{ "\t" }}{{ $entry.why }}{{ "\n" }}{{ end -}}
{{- end -}}
{{- else if not (hasKey $known $key) -}}
{{ $at }}{{ "\t" }}neither this chart nor ingress-nginx's (4.15) has such a value{{ "\n" }}
{{- else if and (kindIs "map" (index $known $key)) (kindIs "map" $value) -}}
{{- include "portico.notes.unserved" (list (printf "%s." $at) $value (index $known $key) $ignored) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* differing (list PATH VALUE DEFAULT QUIET RELATIVE): the paths, one a line, at which VALUE is not DEFAULT. */ -}}
{{- define "portico.notes.differing" -}}
{{- $path := index . 0 -}}
{{- $value := index . 1 -}}
{{- $default := index . 2 -}}
{{- $quiet := index . 3 -}}
{{- $relative := index . 4 -}}
{{- if or (has (default "." $relative) $quiet) (eq (toJson $value) (toJson $default)) -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $default) $default -}}
{{- range $key, $inner := $value -}}
{{- include "portico.notes.differing" (list (printf "%s.%s" $path $key) $inner (index $default $key) $quiet (printf "%s.%s" $relative $key | trimPrefix ".")) -}}
{{- end -}}
{{- else -}}
{{ $path }}{{ "\n" }}
{{- end -}}
{{- end -}}

{{- /* Values that the chart serves in general, given so that it can't. */ -}}
{{- define "portico.notes.special" -}}
{{- $c := .Values.controller -}}
{{- $ports := include "portico.ports" . | fromYaml -}}
{{- $drain := include "portico.drain" . | fromYaml -}}
{{- $foreign := include "portico.foreignImage" . -}}
{{- if eq $foreign "name" -}}
controller.image{{ "\t" }}it names ingress-nginx's image; {{ include "portico.image" . }} is run{{ "\n" }}
{{- else if eq $foreign "tag" -}}
controller.image.tag{{ "\t" }}{{ $c.image.tag }} is a tag of ingress-nginx's; {{ include "portico.image" . }} is run{{ "\n" }}
{{- end -}}
{{- range $port, $_ := omit $c.containerPort "http" "https" -}}
controller.containerPort.{{ $port }}{{ "\t" }}Portico listens for HTTP and HTTPS only{{ "\n" }}
{{- end -}}
{{- range $name := list "http" "https" -}}
{{- $wanted := include "portico.scalar" (index $c.service.targetPorts $name) -}}
{{- $got := include "portico.targetPort" (list $ $wanted $name) -}}
{{- if ne $wanted $got -}}
controller.service.targetPorts.{{ $name }}{{ "\t" }}no container has a port "{{ $wanted }}"; it leads to "{{ $got }}"{{ "\n" }}
{{- end -}}
{{- end -}}
{{- if and $c.service.internal.enabled (not $c.service.internal.annotations) -}}
controller.service.internal.enabled{{ "\t" }}without controller.service.internal.annotations the Service would be public; none is made{{ "\n" }}
{{- end -}}
{{- if not (has $c.healthCheckPath (list "/healthz" "/readyz")) -}}
controller.healthCheckPath{{ "\t" }}paths are fixed, /healthz and /readyz; the probes given for it ask those{{ "\n" }}
{{- end -}}
{{- if and $c.metrics.enabled (ne (int $c.metrics.port) (int $ports.admin)) -}}
controller.metrics.port{{ "\t" }}/metrics is served at the admin port, {{ $ports.admin }}; controller.extraArgs.healthz-port changes it{{ "\n" }}
{{- end -}}
{{- if lt (int $drain.open) (int $drain.wanted) -}}
{{- if hasKey ($c.config | default dict) "worker-shutdown-timeout" -}}
controller.config.worker-shutdown-timeout{{ "\t" }}controller.terminationGracePeriodSeconds leaves {{ $drain.open }} s of its {{ $drain.wanted }} s{{ "\n" }}
{{- end -}}
{{- end -}}
{{- if and (eq $ports.low "capability") $c.containerSecurityContext (not (include "portico.lowPortsCommand" .)) -}}
controller.containerSecurityContext{{ "\t" }}it drops NET_BIND_SERVICE, without which port {{ $ports.lowest }} of the node can't be had{{ "\n" }}
{{- end -}}
{{- range $value := list "affinity" "topologySpreadConstraints" -}}
{{- if and (contains "\"ingress-nginx\"" (index $c $value | toJson)) (ne (include "portico.name" $) "ingress-nginx") -}}
controller.{{ $value }}{{ "\t" }}it selects pods named ingress-nginx; these are named {{ include "portico.name" $ }} unless nameOverride says otherwise{{ "\n" }}
{{- end -}}
{{- end -}}
{{- if and $c.hostname (not (kindIs "string" $c.hostname)) -}}
controller.hostname{{ "\t" }}a host name is text{{ "\n" }}
{{- end -}}
{{- end -}}

{{- /* Values that another one leaves without effect. */ -}}
{{- define "portico.notes.conditional" -}}
{{- $c := .Values.controller -}}
{{- $kube := .Capabilities.KubeVersion.Version -}}
{{- if eq $c.kind "DaemonSet" -}}
{{- if $c.autoscaling.enabled -}}
controller.autoscaling.enabled{{ "\t" }}a DaemonSet has a pod on each node, and no autoscaler{{ "\n" }}
{{- end -}}
{{- if $c.keda.enabled -}}
controller.keda.enabled{{ "\t" }}a DaemonSet has a pod on each node, and no autoscaler{{ "\n" }}
{{- end -}}
{{- end -}}
{{- if not $c.metrics.enabled -}}
{{- range $object := list "serviceMonitor" "prometheusRule" -}}
{{- if (index $c.metrics $object).enabled -}}
controller.metrics.{{ $object }}.enabled{{ "\t" }}controller.metrics.enabled is off{{ "\n" }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $c.scope.enabled $c.scope.namespaceSelector -}}
controller.scope.namespaceSelector{{ "\t" }}controller.scope.enabled reads one namespace{{ "\n" }}
{{- end -}}
{{- if and $c.reportNodeInternalIp (hasKey (include "portico.flags" . | fromYaml) "publish-service") -}}
controller.reportNodeInternalIp{{ "\t" }}controller.publishService has status take the addresses of the Service{{ "\n" }}
{{- end -}}
{{- if and $c.resizePolicy (semverCompare "<1.33.0-0" $kube) -}}
controller.resizePolicy{{ "\t" }}it needs Kubernetes 1.33{{ "\n" }}
{{- end -}}
{{- if and $c.service.trafficDistribution (semverCompare "<1.31.0-0" $kube) -}}
controller.service.trafficDistribution{{ "\t" }}it needs Kubernetes 1.31{{ "\n" }}
{{- end -}}
{{- end -}}

{{- define "portico.notes.flags" -}}
{{- $table := .Files.Get "files/flags.yaml" | fromYaml -}}
{{- range $flag, $value := .Values.controller.extraArgs -}}
{{- $why := index $table "ingress-nginx" $flag -}}
{{- if or (has $flag $table.served) (has $flag $table.translated) -}}
{{- else -}}
controller.extraArgs.{{ $flag }}{{ "\t" }}{{ $why | default "neither Portico nor ingress-nginx has such a flag" }}{{ "\n" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Keys of the ConfigMap. Three of them the chart serves by flags. */ -}}
{{- define "portico.notes.config" -}}
{{- $table := .Files.Get "files/config-keys.yaml" | fromYaml -}}
{{- range $key, $value := omit (.Values.controller.config | default dict) "disable-access-log" "disable-http-access-log" "worker-shutdown-timeout" -}}
{{- $row := index $table.unserved $key -}}
{{- if $row -}}
{{- if not (has (tpl (include "portico.scalar" $value) $) (list "" $row.harmless)) -}}
controller.config.{{ $key }}{{ "\t" }}{{ $row.why }}{{ "\n" }}
{{- end -}}
{{- else if not (has $key $table.served) -}}
controller.config.{{ $key }}{{ "\t" }}neither Portico nor ingress-nginx has such a key{{ "\n" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "portico.notes" -}}
{{- $ignored := .Files.Get "files/ignored-values.yaml" | fromYaml -}}
{{- $known := .Files.Get "files/known-values.yaml" | fromYaml -}}
{{- include "portico.notes.unserved" (list "" (omit .Values "global" "enabled") $known $ignored) -}}
{{- include "portico.notes.special" . -}}
{{- include "portico.notes.conditional" . -}}
{{- include "portico.notes.flags" . -}}
{{- include "portico.notes.config" . -}}
{{- end -}}
