{{- define "segue.name" -}}
{{ printf "%s-%s" .Release.Name "segue" | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "segue.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "segue.selector" . }}
{{- end }}

{{- define "segue.selector" -}}
app.kubernetes.io/name: segue
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The pods of one part: a dictionary with root, part ("api", "control"), roles. */}}
{{- define "segue.deployment" -}}
{{- $values := index .root.Values .part -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "segue.name" .root }}-{{ .part }}
  labels:
    {{- include "segue.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
spec:
  replicas: {{ $values.replicas }}
  selector:
    matchLabels:
      {{- include "segue.selector" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .part }}
  template:
    metadata:
      labels:
        {{- include "segue.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .part }}
      annotations:
        {{- /* Pods begin anew when the settings change. */}}
        checksum/settings: {{ toJson (list .root.Values.settings .root.Values.store) | sha256sum }}
        {{- with .root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 30
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: segue
          image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          envFrom:
            - configMapRef:
                name: {{ include "segue.name" .root }}
          env:
            - name: SEGUE_ROLES
              value: {{ .roles }}
          ports:
            - name: http
              containerPort: 8080
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          startupProbe:
            httpGet: {path: /api/v1/health, port: http}
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /api/v1/health, port: http}
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet: {path: /api/v1/ready, port: http}
            periodSeconds: 5
            timeoutSeconds: 3
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: tmp, mountPath: /tmp}
            - {name: secret, mountPath: /data/segue.key, subPath: segue.key, readOnly: true}
            - {name: secret, mountPath: /etc/segue/store-password, subPath: store-password, readOnly: true}
            {{- if .root.Values.storeCaSecret }}
            - {name: ca, mountPath: /etc/segue/ca, readOnly: true}
            {{- end }}
      volumes:
        - name: data
          emptyDir: {sizeLimit: 64Mi}
        - name: tmp
          emptyDir: {sizeLimit: 64Mi}
        - name: secret
          secret:
            secretName: {{ .root.Values.existingSecret }}
            defaultMode: 0440
        {{- with .root.Values.storeCaSecret }}
        - name: ca
          secret:
            secretName: {{ . }}
        {{- end }}
      {{- with .root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "segue.selector" .root | nindent 14 }}
              app.kubernetes.io/component: {{ .part }}
{{- end }}
