{{- /* The pod of the Deployment or DaemonSet: `template:`'s content. */ -}}

{{- define "portico.pod" -}}
{{- $c := .Values.controller -}}
metadata:
  {{- with $c.podAnnotations }}
  annotations: {{- include "portico.scalars" (list $ .) | nindent 4 }}
  {{- end }}
  labels: {{- include "portico.labels" (list . "controller" $c.labels $c.podLabels) | nindent 4 }}
spec:
  {{- with $c.dnsConfig }}
  dnsConfig: {{- toYaml . | nindent 4 }}
  {{- end }}
  dnsPolicy: {{ $c.dnsPolicy }}
  {{- with $c.hostAliases }}
  hostAliases: {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- if and $c.hostname (kindIs "string" $c.hostname) }}
  hostname: {{ $c.hostname }}
  {{- end }}
  {{- if $c.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with $c.runtimeClassName }}
  runtimeClassName: {{ . | quote }}
  {{- end }}
  {{- with include "portico.podSecurityContext" . | fromYaml }}
  securityContext: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $c.shareProcessNamespace }}
  shareProcessNamespace: true
  {{- end }}
  {{- with $c.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $c.affinity }}
  affinity: {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- with $c.topologySpreadConstraints }}
  topologySpreadConstraints: {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "portico.serviceAccountName" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  terminationGracePeriodSeconds: {{ $c.terminationGracePeriodSeconds | int }}
  {{- with $c.extraInitContainers }}
  initContainers: {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  containers:
    - {{ include "portico.container" . | nindent 6 | trim }}
    {{- with $c.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $c.extraVolumes }}
  volumes: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "portico.container" -}}
{{- $c := .Values.controller -}}
{{- $ports := include "portico.ports" . | fromYaml -}}
name: {{ $c.containerName }}
image: {{ include "portico.image" . }}
imagePullPolicy: {{ $c.image.pullPolicy }}
{{- with include "portico.lowPortsCommand" . }}
command: [{{ . }}]
{{- end }}
args: {{- include "portico.args" . | nindent 2 }}
securityContext: {{- include "portico.containerSecurityContext" . | nindent 2 }}
env:
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  - name: NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
  {{- /* Kubernetes 1.35 and later copy it from the node; before that it is empty. */}}
  - name: NODE_ZONE
    valueFrom:
      fieldRef:
        fieldPath: metadata.labels['topology.kubernetes.io/zone']
  {{- with $c.extraEnvs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  {{- range $name := list "http" "https" }}
  - name: {{ $name }}
    containerPort: {{ index $ports $name }}
    protocol: TCP
    {{- if $c.hostPort.enabled }}
    hostPort: {{ if $c.hostNetwork }}{{ index $ports $name }}{{ else }}{{ index $c.hostPort.ports $name | default (index $ports $name) | int }}{{ end }}
    {{- end }}
  {{- end }}
  {{- if $c.metrics.enabled }}
  - name: {{ $c.metrics.portName }}
    containerPort: {{ $ports.admin }}
    protocol: TCP
  {{- end }}
{{- with include "portico.probe" (list . $c.startupProbe "/healthz") }}
startupProbe: {{- . | nindent 2 }}
{{- end }}
{{- with include "portico.probe" (list . $c.livenessProbe "/healthz") }}
livenessProbe: {{- . | nindent 2 }}
{{- end }}
{{- with include "portico.probe" (list . $c.readinessProbe "/readyz") }}
readinessProbe: {{- . | nindent 2 }}
{{- end }}
{{- with include "portico.lifecycle" . | fromYaml }}
lifecycle: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $c.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and $c.resizePolicy (semverCompare ">=1.33.0-0" .Capabilities.KubeVersion.Version) }}
resizePolicy: {{- toYaml $c.resizePolicy | nindent 2 }}
{{- end }}
{{- with $c.extraVolumeMounts }}
volumeMounts: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* probe (list ROOT PROBE PATH): the probe, asking Portico's path at the admin port. */ -}}
{{- define "portico.probe" -}}
{{- $c := (index . 0).Values.controller -}}
{{- $ports := include "portico.ports" (index . 0) | fromYaml -}}
{{- with index . 1 -}}
{{- $probe := deepCopy . -}}
{{- with $probe.httpGet -}}
{{- if has .path (list "/healthz" $c.healthCheckPath) }}{{ $_ := set . "path" (index $ 2) }}{{ end -}}
{{- if eq (toString .port) "10254" }}{{ $_ := set . "port" $ports.admin }}{{ end -}}
{{- end -}}
{{- toYaml $probe -}}
{{- end -}}
{{- end -}}

{{- /* The hooks less ingress-nginx's own preStop: that program is not in the image, nor needed. */ -}}
{{- define "portico.lifecycle" -}}
{{- $lifecycle := deepCopy (.Values.controller.lifecycle | default dict) -}}
{{- if has "/wait-shutdown" (dig "preStop" "exec" "command" list $lifecycle) -}}
{{- $lifecycle = omit $lifecycle "preStop" -}}
{{- end -}}
{{- toYaml $lifecycle -}}
{{- end -}}
