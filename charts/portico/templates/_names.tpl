{{- /* Names and labels, made as ingress-nginx's chart makes them. */ -}}

{{- define "portico.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "portico.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "portico.controller.fullname" -}}
{{- printf "%s-%s" (include "portico.fullname" .) .Values.controller.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "portico.defaultBackend.fullname" -}}
{{- printf "%s-%s" (include "portico.fullname" .) .Values.defaultBackend.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "portico.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "portico.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "portico.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "portico.defaultBackend.serviceAccountName" -}}
{{- if .Values.defaultBackend.serviceAccount.create -}}
{{- default (printf "%s-backend" (include "portico.fullname" .)) .Values.defaultBackend.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.defaultBackend.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "portico.selectorLabels" -}}
app.kubernetes.io/name: {{ include "portico.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "portico.controller.selectorLabels" -}}
{{ include "portico.selectorLabels" . }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "portico.defaultBackend.selectorLabels" -}}
{{ include "portico.selectorLabels" . }}
app.kubernetes.io/component: default-backend
{{- end -}}

{{- /* labels (list ROOT COMPONENT MORE…): the common labels, overlaid by MORE from left to right. */ -}}
{{- define "portico.labels" -}}
{{- $root := index . 0 -}}
{{- $labels := dict
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/name" (include "portico.name" $root)
      "app.kubernetes.io/instance" $root.Release.Name
      "app.kubernetes.io/version" $root.Chart.AppVersion
      "app.kubernetes.io/part-of" (include "portico.name" $root)
      "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- if index . 1 }}{{ $_ := set $labels "app.kubernetes.io/component" (index . 1) }}{{ end -}}
{{- $labels = mergeOverwrite $labels (deepCopy ($root.Values.commonLabels | default dict)) -}}
{{- range slice . 2 }}{{ $labels = mergeOverwrite $labels (deepCopy (. | default dict)) }}{{ end -}}
{{- toYaml $labels -}}
{{- end -}}

{{- define "portico.controller.labels" -}}
{{- include "portico.labels" (list . "controller" .Values.controller.labels) -}}
{{- end -}}

{{- define "portico.defaultBackend.labels" -}}
{{- include "portico.labels" (list . "default-backend" .Values.defaultBackend.labels) -}}
{{- end -}}

{{- /* A number or text as one would write it: Helm reads numbers as floating point. */ -}}
{{- define "portico.scalar" -}}
{{- if kindIs "float64" . }}{{ if eq . (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ toString . }}{{ end -}}
{{- end -}}

{{- /* scalars (list ROOT MAP): the map with every value as text, templates in it carried out. */ -}}
{{- define "portico.scalars" -}}
{{- $root := index . 0 -}}
{{- $texts := dict -}}
{{- range $key, $value := index . 1 }}{{ $_ := set $texts $key (tpl (include "portico.scalar" $value) $root) }}{{ end -}}
{{- toYaml $texts -}}
{{- end -}}

{{- /* imageReference (list IMAGE REGISTRY): REGISTRY/IMAGE:TAG@DIGEST of a dict with those members. */ -}}
{{- define "portico.imageReference" -}}
{{- $image := index . 0 -}}
{{- $name := $image.repository | default (printf "%s/%s" (index . 1) $image.image) -}}
{{- $name -}}:{{ $image.tag }}{{ with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- /* What templates in ingress-nginx users' values call (affinity, topology spread); the same text for any chart. */ -}}
{{- define "ingress-nginx.name" -}}{{ include "portico.name" . }}{{- end -}}
{{- define "ingress-nginx.fullname" -}}{{ include "portico.fullname" . }}{{- end -}}
{{- define "ingress-nginx.namespace" -}}{{ include "portico.namespace" . }}{{- end -}}
{{- define "ingress-nginx.controller.fullname" -}}{{ include "portico.controller.fullname" . }}{{- end -}}
{{- define "ingress-nginx.selectorLabels" -}}{{ include "portico.selectorLabels" . }}{{- end -}}
