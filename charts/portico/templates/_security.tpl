{{- /* Security contexts, and how ports below 1024 are had without root.

  Pod network: the kernel setting net.ipv4.ip_unprivileged_port_start of the pod's own network namespace, one that
  Kubernetes counts as safe. Node network: Kubernetes refuses that setting there, so NET_BIND_SERVICE it is. A capability
  given to a container does not outlast execve for a user other than root unless the program's file carries it, and a
  file that carries it (with its effective bit) can't be executed without it. The image therefore has the program twice,
  as `portico` and, with the capability, as `portico-low-ports`, which is run where it is needed and nowhere else. */ -}}

{{- define "portico.podSecurityContext" -}}
{{- $c := .Values.controller -}}
{{- $ports := include "portico.ports" . | fromYaml -}}
{{- $context := deepCopy ($c.podSecurityContext | default dict) -}}
{{- $sysctls := dict -}}
{{- if eq $ports.low "sysctl" }}{{ $_ := set $sysctls "net.ipv4.ip_unprivileged_port_start" (toString $ports.lowest) }}{{ end -}}
{{- range $context.sysctls }}{{ $_ := set $sysctls .name .value }}{{ end -}}
{{- range $name, $value := $c.sysctls }}{{ $_ := set $sysctls $name (include "portico.scalar" $value) }}{{ end -}}
{{- $list := list -}}
{{- range $name, $value := $sysctls }}{{ $list = append $list (dict "name" $name "value" $value) }}{{ end -}}
{{- if $list }}{{ $_ := set $context "sysctls" $list }}{{ end -}}
{{- toYaml $context -}}
{{- end -}}

{{- define "portico.containerSecurityContext" -}}
{{- $c := .Values.controller -}}
{{- $ports := include "portico.ports" . | fromYaml -}}
{{- if $c.containerSecurityContext -}}
{{- toYaml $c.containerSecurityContext -}}
{{- else -}}
runAsNonRoot: {{ $c.image.runAsNonRoot }}
runAsUser: {{ $c.image.runAsUser | int64 }}
runAsGroup: {{ $c.image.runAsGroup | int64 }}
allowPrivilegeEscalation: {{ $c.image.allowPrivilegeEscalation }}
readOnlyRootFilesystem: {{ $c.image.readOnlyRootFilesystem }}
capabilities:
  drop: [ALL]
  {{- if eq $ports.low "capability" }}
  add: [NET_BIND_SERVICE]
  {{- end }}
{{- with $c.image.seccompProfile }}
seccompProfile: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{- end -}}

{{- /* The program to run instead of the image's own; "": the image's own. Only where its capability will be there: a
       security context that drops ALL and does not add it back would keep the pod from starting. */ -}}
{{- define "portico.lowPortsCommand" -}}
{{- $context := include "portico.containerSecurityContext" . | fromYaml -}}
{{- $added := dig "capabilities" "add" list $context -}}
{{- $dropped := dig "capabilities" "drop" list $context -}}
{{- $has := or (has "NET_BIND_SERVICE" $added) (has "ALL" $added) (not (or (has "ALL" $dropped) (has "NET_BIND_SERVICE" $dropped))) -}}
{{- $root := eq (toString (dig "runAsUser" "" $context)) "0" -}}
{{- if and (eq (include "portico.ports" . | fromYaml).low "capability") $has (not $root) -}}
/usr/local/bin/portico-low-ports
{{- end -}}
{{- end -}}
