{{- /* serviceSpec (list ROOT SERVICE TYPE PORTS TARGETS): the spec of one of the two Services, from its values. */ -}}
{{- define "portico.serviceSpec" -}}
{{- $root := index . 0 -}}
{{- $s := index . 1 -}}
{{- $type := index . 2 -}}
{{- $shared := $root.Values.controller.service -}}
{{- $kube := $root.Capabilities.KubeVersion.Version -}}
type: {{ $type }}
{{- range $field := list "clusterIP" "loadBalancerIP" "loadBalancerClass" "externalTrafficPolicy" "sessionAffinity" "ipFamilyPolicy" }}
{{- with index $s $field }}
{{ $field }}: {{ . }}
{{- end }}
{{- end }}
{{- range $field := list "clusterIPs" "externalIPs" "loadBalancerSourceRanges" "ipFamilies" }}
{{- with index $s $field }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- if kindIs "bool" $s.allocateLoadBalancerNodePorts }}
allocateLoadBalancerNodePorts: {{ $s.allocateLoadBalancerNodePorts }}
{{- end }}
{{- with $s.healthCheckNodePort }}
healthCheckNodePort: {{ . | int }}
{{- end }}
{{- if and $s.trafficDistribution (semverCompare ">=1.31.0-0" $kube) }}
trafficDistribution: {{ $s.trafficDistribution }}
{{- end }}
ports:
  {{- range $name := list "http" "https" }}
  {{- if index $shared (ternary "enableHttp" "enableHttps" (eq $name "http")) }}
  - name: {{ $name }}
    port: {{ index $s.ports $name | default (index $shared.ports $name) | int }}
    protocol: TCP
    targetPort: {{ include "portico.targetPort" (list $root (index $s.targetPorts $name | default (index $shared.targetPorts $name)) $name) }}
    {{- if $s.appProtocol }}
    appProtocol: {{ $name }}
    {{- end }}
    {{- if and (ne $type "ClusterIP") (index $s.nodePorts $name) }}
    nodePort: {{ index $s.nodePorts $name | int }}
    {{- end }}
  {{- end }}
  {{- end }}
selector: {{- include "portico.controller.selectorLabels" $root | nindent 2 }}
{{- end -}}

{{- /* targetPort (list ROOT WANTED NAME): WANTED where some container has it, else NAME. */ -}}
{{- define "portico.targetPort" -}}
{{- $root := index . 0 -}}
{{- $wanted := include "portico.scalar" (index . 1) -}}
{{- $ports := include "portico.ports" $root | fromYaml -}}
{{- $known := list "http" "https" (toString $ports.http) (toString $ports.https) -}}
{{- range $root.Values.controller.extraContainers }}{{ range .ports }}
{{- $known = append (append $known (toString .name)) (include "portico.scalar" .containerPort) -}}
{{- end }}{{ end -}}
{{- ternary $wanted (index . 2) (has $wanted $known) -}}
{{- end -}}
