{{- /* The program's flags as a YAML map, name to text; "" is a flag without a value. */ -}}
{{- define "portico.flags" -}}
{{- $c := .Values.controller -}}
{{- $ports := include "portico.ports" . | fromYaml -}}
{{- $drain := include "portico.drain" . | fromYaml -}}
{{- $args := $c.extraArgs | default dict -}}
{{- $config := $c.config | default dict -}}
{{- $host := index $args "healthz-host" | default $c.healthCheckHost | default "[::]" -}}
{{- if and (contains ":" $host) (not (hasPrefix "[" $host)) }}{{ $host = printf "[%s]" $host }}{{ end -}}
{{- $quiet := or (eq (toString (index $config "disable-access-log")) "true") (eq (toString (index $config "disable-http-access-log")) "true") -}}
{{- $flags := dict
      "http-address" (printf "[::]:%v" $ports.http)
      "https-address" (printf "[::]:%v" $ports.https)
      "admin-address" (printf "%s:%v" $host $ports.admin)
      "public-http-port" (toString $ports.publicHttp)
      "public-https-port" (toString $ports.publicHttps)
      "access-log" (ternary "off" "nginx" $quiet)
      "shutdown-grace-period" (toString $drain.grace)
      "worker-shutdown-timeout" (toString $drain.open)
      "controller-class" $c.ingressClassResource.controllerValue
      "ingress-class" ($c.ingressClass | default $c.ingressClassResource.name)
      "election-id" (include "portico.electionID" .)
      "configmap" (printf "%s/%s" ($c.configMapNamespace | default "$(POD_NAMESPACE)") (include "portico.controller.fullname" .)) -}}
{{- with include "portico.publishService" . }}{{ $_ := set $flags "publish-service" . }}{{ end -}}
{{- with include "portico.watchNamespace" . }}{{ $_ := set $flags "watch-namespace" . }}{{ end -}}
{{- if not $c.scope.enabled }}{{ with $c.scope.namespaceSelector }}{{ $_ := set $flags "watch-namespace-selector" . }}{{ end }}{{ end -}}
{{- if .Values.defaultBackend.enabled -}}
{{- $_ := set $flags "default-backend-service" (printf "%s/%s" (include "portico.namespace" .) (include "portico.defaultBackend.fullname" .)) -}}
{{- end -}}
{{- if $c.reportNodeInternalIp }}{{ $_ := set $flags "report-node-internal-ip-address" "" }}{{ end -}}
{{- if $c.ingressClassByName }}{{ $_ := set $flags "ingress-class-by-name" "" }}{{ end -}}
{{- if $c.watchIngressWithoutClass }}{{ $_ := set $flags "watch-ingress-without-class" "" }}{{ end -}}
{{- if $c.disableLeaderElection }}{{ $_ := set $flags "disable-leader-election" "" }}{{ end -}}
{{- with $c.electionTTL }}{{ $_ := set $flags "election-ttl" . }}{{ end -}}
{{- $table := .Files.Get "files/flags.yaml" | fromYaml -}}
{{- range $flag, $value := $args -}}
{{- $text := ternary "" (include "portico.scalar" $value) (kindIs "invalid" $value) -}}
{{- if and (eq $text "") (not (has $flag $table.switches)) -}}
{{- $flags = omit $flags $flag -}}
{{- else if has $flag $table.served -}}
{{- $_ := set $flags $flag $text -}}
{{- end -}}
{{- end -}}
{{- /* Of two flags that exclude each other, the one in extraArgs is meant. */ -}}
{{- if hasKey $flags "publish-status-address" }}{{ $flags = omit $flags "publish-service" }}{{ end -}}
{{- if hasKey $flags "watch-namespace" }}{{ $flags = omit $flags "watch-namespace-selector" }}{{ end -}}
{{- toYaml $flags -}}
{{- end -}}

{{- define "portico.args" -}}
- serve
{{- range $flag, $value := include "portico.flags" . | fromYaml }}
- {{ if $value }}{{ printf "--%s=%s" $flag $value | quote }}{{ else }}--{{ $flag }}{{ end }}
{{- end -}}
{{- end -}}

{{- /* Whether a boolean flag holds, whether from the chart or extraArgs: "true" or "". (list FLAGS NAME DEFAULT) */ -}}
{{- define "portico.flagHolds" -}}
{{- $flags := index . 0 -}}
{{- $name := index . 1 -}}
{{- if hasKey $flags $name -}}
{{- if ne (index $flags $name) "false" }}true{{ end -}}
{{- else -}}
{{- index . 2 -}}
{{- end -}}
{{- end -}}
