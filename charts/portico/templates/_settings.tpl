{{- /* What follows from the values together: image, ports, drain. Each is a YAML map, read by fromYaml. */ -}}

{{- /* Whether controller.image names ingress-nginx's image: "name", "tag", or "". */ -}}
{{- define "portico.foreignImage" -}}
{{- $image := .Values.controller.image -}}
{{- if or (contains "ingress-nginx" ($image.repository | default "")) (contains "nginx-ingress" ($image.repository | default ""))
          (contains "ingress-nginx" ($image.image | default "")) (contains "nginx-ingress" ($image.image | default "")) -}}
name
{{- else if hasPrefix "v" ($image.tag | default "" | toString) -}}
tag
{{- end -}}
{{- end -}}

{{- define "portico.image" -}}
{{- $image := .Values.controller.image -}}
{{- $foreign := include "portico.foreignImage" . -}}
{{- $registry := $image.registry | default (dig "image" "registry" "" (.Values.global | default dict)) -}}
{{- if or (not $registry) (has $registry (list "registry.k8s.io" "k8s.gcr.io")) }}{{ $registry = "ghcr.io" }}{{ end -}}
{{- $own := dict "image" "portico-proxy/portico" "tag" .Chart.AppVersion -}}
{{- if ne $foreign "name" -}}
{{- $_ := set $own "image" $image.image -}}
{{- $_ := set $own "repository" $image.repository -}}
{{- end -}}
{{- if not $foreign -}}
{{- $_ := set $own "tag" (include "portico.scalar" ($image.tag | default .Chart.AppVersion)) -}}
{{- $_ := set $own "digest" $image.digest -}}
{{- end -}}
{{- include "portico.imageReference" (list $own $registry) -}}
{{- end -}}

{{- /* The default backend's image is Kubernetes' own, wherever a mirror has it. */ -}}
{{- define "portico.defaultBackend.image" -}}
{{- $image := .Values.defaultBackend.image -}}
{{- $global := dig "image" "registry" "" (.Values.global | default dict) -}}
{{- if eq $global "ghcr.io" }}{{ $global = "" }}{{ end -}}
{{- $named := merge (dict "tag" (include "portico.scalar" $image.tag)) $image -}}
{{- include "portico.imageReference" (list $named ($image.registry | default $global | default "registry.k8s.io")) -}}
{{- end -}}

{{- /* ports: http, https, admin (listened on); publicHttp, publicHttps (clients see); lowest; low ("", "sysctl", "capability"). */ -}}
{{- define "portico.ports" -}}
{{- $c := .Values.controller -}}
{{- $args := $c.extraArgs | default dict -}}
{{- $http := index $args "http-port" | default $c.containerPort.http | default (ternary 80 8080 $c.hostNetwork) | int -}}
{{- $https := index $args "https-port" | default $c.containerPort.https | default (ternary 443 8443 $c.hostNetwork) | int -}}
{{- $external := $c.service.ports -}}
{{- $public := dict "http" $external.http "https" $external.https -}}
{{- if and $c.service.enabled (not $c.service.external.enabled) $c.service.internal.enabled -}}
{{- $public = dict "http" ($c.service.internal.ports.http | default $external.http) "https" ($c.service.internal.ports.https | default $external.https) -}}
{{- else if and (not $c.service.enabled) $c.hostNetwork -}}
{{- $public = dict "http" $http "https" $https -}}
{{- else if and (not $c.service.enabled) $c.hostPort.enabled -}}
{{- $public = $c.hostPort.ports -}}
{{- end -}}
{{- $lowest := min $http $https -}}
http: {{ $http }}
https: {{ $https }}
admin: {{ index $args "healthz-port" | default 10254 | int }}
publicHttp: {{ $public.http | default 80 | int }}
publicHttps: {{ $public.https | default 443 | int }}
lowest: {{ $lowest }}
low: {{ if lt $lowest 1024 }}{{ ternary "capability" "sysctl" $c.hostNetwork }}{{ else }}""{{ end }}
{{- end -}}

{{- /* A time of nginx ("240s", "4m", 240) in seconds. */ -}}
{{- define "portico.seconds" -}}
{{- $text := include "portico.scalar" . -}}
{{- $number := regexFind "^[0-9]+" $text | int -}}
{{- if regexMatch "^[0-9]+s?$" $text }}{{ $number }}{{ else if hasSuffix "m" $text }}{{ mul $number 60 }}{{ else if hasSuffix "h" $text }}{{ mul $number 3600 }}{{ else }}240{{ end -}}
{{- end -}}

{{- /* drain: grace, open (seconds of the two flags), wanted (open, had there been time enough). Five seconds are left
       between the last of them and SIGKILL. */ -}}
{{- define "portico.drain" -}}
{{- $c := .Values.controller -}}
{{- $args := $c.extraArgs | default dict -}}
{{- $total := $c.terminationGracePeriodSeconds | int -}}
{{- $grace := min 10 (div $total 3) -}}
{{- if hasKey $args "shutdown-grace-period" }}{{ $grace = index $args "shutdown-grace-period" | int }}{{ end -}}
{{- $wanted := include "portico.seconds" (dig "worker-shutdown-timeout" 240 ($c.config | default dict)) | int -}}
grace: {{ $grace }}
wanted: {{ $wanted }}
open: {{ max 0 (min $wanted (sub (sub $total $grace) 5)) }}
{{- end -}}

{{- define "portico.electionID" -}}
{{- .Values.controller.electionID | default (printf "%s-leader" (include "portico.fullname" .)) -}}
{{- end -}}

{{- /* NAMESPACE/NAME of the Service whose addresses go into status; "": the nodes' are. */ -}}
{{- define "portico.publishService" -}}
{{- $c := .Values.controller -}}
{{- $service := $c.publishService.pathOverride | default (printf "$(POD_NAMESPACE)/%s" (include "portico.controller.fullname" .)) -}}
{{- if and $c.publishService.enabled $c.service.enabled -}}
{{- if $c.service.external.enabled }}{{ $service }}{{ else if $c.service.internal.enabled }}{{ $service }}-internal{{ end -}}
{{- end -}}
{{- end -}}

{{- /* The one namespace that is read; "": all, or those that a selector picks. */ -}}
{{- define "portico.watchNamespace" -}}
{{- $own := include "portico.namespace" . -}}
{{- $given := index (.Values.controller.extraArgs | default dict) "watch-namespace" -}}
{{- if not $given }}{{ with .Values.controller.scope }}{{ if .enabled }}{{ $given = .namespace | default $own }}{{ end }}{{ end }}{{ end -}}
{{- $given | default "" | replace "$(POD_NAMESPACE)" $own -}}
{{- end -}}
