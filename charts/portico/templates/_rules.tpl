{{- /* What the program does to the API server, and nothing else. The tests against an API server (e2e/cluster) fail on a
       right too few and on one too many. */ -}}

{{- /* allow (list RULES NAMESPACE GROUP RESOURCES VERBS NAMES): adds a rule; namespace "" is everywhere. */ -}}
{{- define "portico.allow" -}}
{{- $rules := index . 0 -}}
{{- $namespace := index . 1 -}}
{{- $rule := dict "apiGroups" (list (index . 2)) "resources" (index . 3) "verbs" (index . 4) -}}
{{- with index . 5 }}{{ $_ := set $rule "resourceNames" . }}{{ end -}}
{{- $_ := set $rules $namespace (append (index $rules $namespace | default list) $rule) -}}
{{- end -}}

{{- /* A "NAMESPACE/NAME[:PORT]" of a flag as a YAML map; empty where the flag is not given. */ -}}
{{- define "portico.reference" -}}
{{- $text := index . 1 | default "" | replace "$(POD_NAMESPACE)" (include "portico.namespace" (index . 0)) -}}
{{- if $text -}}
namespace: {{ splitList "/" $text | first | quote }}
name: {{ splitList "/" $text | last | splitList ":" | first | quote }}
{{- end -}}
{{- end -}}

{{- /* Rules by namespace as a YAML map; "" is everywhere. */ -}}
{{- define "portico.rules" -}}
{{- $rules := dict -}}
{{- $flags := include "portico.flags" . | fromYaml -}}
{{- $own := include "portico.namespace" . -}}
{{- $watched := include "portico.watchNamespace" . -}}
{{- $selects := hasKey $flags "watch-namespace-selector" -}}
{{- $read := list "list" "watch" -}}
{{- $networking := "networking.k8s.io" -}}
{{- $publish := include "portico.reference" (list . (index $flags "publish-service")) | fromYaml -}}
{{- $writes := eq (include "portico.flagHolds" (list $flags "update-status" "true")) "true" -}}
{{- $asksNodes := false -}}
{{- /* The objects that are served. */ -}}
{{- $_ := include "portico.allow" (list $rules $watched $networking (list "ingresses") $read list) -}}
{{- $_ := include "portico.allow" (list $rules $watched "" (list "services" "secrets") $read list) -}}
{{- $_ := include "portico.allow" (list $rules $watched "discovery.k8s.io" (list "endpointslices") $read list) -}}
{{- if not .Values.rbac.scope }}{{ $_ := include "portico.allow" (list $rules "" $networking (list "ingressclasses") $read list) }}{{ end -}}
{{- if $selects }}{{ $_ := include "portico.allow" (list $rules "" "" (list "namespaces") $read list) }}{{ end -}}
{{- /* What it writes. */ -}}
{{- $_ := include "portico.allow" (list $rules $watched "events.k8s.io" (list "events") (list "create" "patch") list) -}}
{{- if $writes }}{{ $_ := include "portico.allow" (list $rules $watched $networking (list "ingresses/status") (list "patch") list) }}{{ end -}}
{{- if not (include "portico.flagHolds" (list $flags "disable-leader-election" "")) -}}
{{- $_ := include "portico.allow" (list $rules $own "coordination.k8s.io" (list "leases") (list "create") list) -}}
{{- $_ := include "portico.allow" (list $rules $own "coordination.k8s.io" (list "leases") (list "get" "update") (list (index $flags "election-id"))) -}}
{{- end -}}
{{- /* Where the addresses in status come from. */ -}}
{{- if and $writes (not $publish) (not (index $flags "publish-status-address")) -}}
{{- $asksNodes = true -}}
{{- if not .Values.rbac.scope }}{{ $_ := include "portico.allow" (list $rules "" "" (list "nodes") (list "get") list) }}{{ end -}}
{{- end -}}
{{- /* Its own pods: to find their nodes, and whether another one is left that would go on writing status. */ -}}
{{- if and $writes (or $asksNodes (include "portico.flagHolds" (list $flags "update-status-on-shutdown" "true"))) -}}
{{- $_ := include "portico.allow" (list $rules $own "" (list "pods") (list "get" "list") list) -}}
{{- end -}}
{{- /* What is read by its name, wherever it is. */ -}}
{{- with include "portico.reference" (list . (index $flags "configmap")) | fromYaml -}}
{{- $_ := include "portico.allow" (list $rules .namespace "" (list "configmaps") $read (list .name)) -}}
{{- end -}}
{{- if $watched -}}
{{- if and $publish (ne $publish.namespace $watched) -}}
{{- $_ := include "portico.allow" (list $rules $publish.namespace "" (list "services") $read (list $publish.name)) -}}
{{- end -}}
{{- with include "portico.reference" (list . (index $flags "default-backend-service")) | fromYaml -}}
{{- if ne .namespace $watched -}}
{{- $_ := include "portico.allow" (list $rules .namespace "" (list "services") $read (list .name)) -}}
{{- $_ := include "portico.allow" (list $rules .namespace "discovery.k8s.io" (list "endpointslices") $read list) -}}
{{- end -}}
{{- end -}}
{{- range $flag := list "default-ssl-certificate" "tls-ticket-keys-secret" -}}
{{- with include "portico.reference" (list $ (index $flags $flag)) | fromYaml -}}
{{- if ne .namespace $watched -}}
{{- $_ := include "portico.allow" (list $rules .namespace "" (list "secrets") $read (list .name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end -}}

{{- /* roleAndBinding (list ROOT NAMESPACE RULES): a Role, or with namespace "" a ClusterRole, and its binding. */ -}}
{{- define "portico.roleAndBinding" -}}
{{- $root := index . 0 -}}
{{- $namespace := index . 1 -}}
{{- $own := include "portico.namespace" $root -}}
{{- $kind := ternary "Role" "ClusterRole" (ne $namespace "") -}}
{{- $name := include "portico.fullname" $root -}}
{{- if not (has $namespace (list "" $own)) }}{{ $name = printf "%s-%s" $own $name | trunc 63 | trimSuffix "-" }}{{ end -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "portico.controller.labels" $root | nindent 4 }}
rules: {{- toYaml (index . 2) | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $name }}
  {{- with $namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "portico.controller.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "portico.serviceAccountName" $root }}
    namespace: {{ $own }}
{{- end -}}
