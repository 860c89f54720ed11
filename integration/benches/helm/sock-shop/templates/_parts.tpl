{{- define "labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- define "selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "lockedDown" -}}
{{- if .user }}
runAsUser: {{ .user }}
runAsNonRoot: true
{{- end }}
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  add: {{ .capabilities | toJson }}
{{- end -}}

{{- define "clusterService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- include "labels" . | nindent 4 }}
spec:
  selector: {{- include "selector" . | nindent 4 }}
  ports:
    - name: {{ .portName }}
      port: {{ .port }}
      targetPort: {{ .portName }}
{{- end -}}

{{- define "service" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  selector:
    matchLabels: {{- include "selector" . | nindent 6 }}
  strategy:
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  template:
    metadata:
      labels: {{- include "labels" . | nindent 8 }}
    spec:
      containers:
        - name: {{ .name }}
          image: {{ printf "%s/%s" .root.Values.registry .image | quote }}
          ports:
            - { name: http, containerPort: 80 }
          {{- with .env }}
          env:
            {{- range $name, $value := . }}
            - { name: {{ $name }}, value: {{ $value | quote }} }
            {{- end }}
          {{- end }}
          resources:
            requests: { cpu: 100m, memory: {{ .memory }} }
            limits: { memory: {{ .limit }} }
          securityContext: {{- include "lockedDown" (dict "user" 10001 "capabilities" (list "NET_BIND_SERVICE")) | nindent 12 }}
          {{- if .scratch }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
          {{- end }}
      {{- if .scratch }}
      volumes:
        - name: tmp
          emptyDir: { medium: Memory }
      {{- end }}
---
{{ include "clusterService" (merge (dict "portName" "http" "port" 80) .) }}
{{- end -}}

{{- define "mongo" -}}
apiVersion: apps/v1
kind: {{ ternary "StatefulSet" "Deployment" .root.Values.persistence.enabled }}
metadata:
  name: {{ .name }}
  labels: {{- include "labels" . | nindent 4 }}
spec:
  replicas: 1
  {{- if .root.Values.persistence.enabled }}
  serviceName: {{ .name }}
  volumeClaimTemplates:
    - metadata: { name: data }
      spec:
        accessModes: [ReadWriteOnce]
        resources: { requests: { storage: {{ .root.Values.persistence.size }} } }
  {{- end }}
  selector:
    matchLabels: {{- include "selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "labels" . | nindent 8 }}
    spec:
      containers:
        - name: mongo
          image: {{ printf "%s/%s" .root.Values.registry .image | quote }}
          ports:
            - { name: mongo, containerPort: 27017 }
          resources:
            requests: { cpu: 100m, memory: 128Mi }
            limits: { memory: 512Mi }
          securityContext: {{- include "lockedDown" (dict "capabilities" (list "CHOWN" "SETGID" "SETUID")) | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            - { name: data, mountPath: /data/db }
      volumes:
        - name: tmp
          emptyDir: { medium: Memory }
        {{- if not .root.Values.persistence.enabled }}
        - name: data
          emptyDir: {}
        {{- end }}
---
{{ include "clusterService" (merge (dict "portName" "mongo" "port" 27017) .) }}
{{- end -}}
