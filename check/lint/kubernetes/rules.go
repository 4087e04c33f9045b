package kubernetes

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const pss = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

// hardened is a pod that lacks nothing; samples are made of it.
const hardened = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
      containers:
        - name: api
          image: shop/api:1.2
          resources:
            limits:
              memory: 512Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
`

// sample is that pod with a part of it replaced, and others added to its
// container.
func sample(old, with, add string) string {
	return strings.Replace(hardened, old, with, min(len(old), 1)) + add
}

var privileged = &analysis.Rule{
	ID: "lint/k8s-privileged", Title: "A container may do what the node may", Severity: finding.High,
	Refs: []string{"CWE-250", "API8", "V13.2.2", pss},
	Text: "A privileged container, SYS_ADMIN, the node's root or the runtime's socket are as good as root on the node, and from there on all its pods. NET_ADMIN changes routes and filters.",
	Fix:  "Leave privileged out, drop ALL capabilities and add back the few that are needed, and mount no folder of the node.",
	File: "deploy/api.yaml",
	Bad:  sample("allowPrivilegeEscalation: false", "privileged: true", ""),
	Good: sample("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: false\n            privileged: false", ""),
}

var namespaces = &analysis.Rule{
	ID: "lint/k8s-host-namespaces", Title: "A pod shares a namespace of the node", Severity: finding.Medium,
	Refs: []string{"CWE-653", "API8"},
	Text: "On the node's network a pod reaches what listens on localhost only, and no NetworkPolicy holds for it; with the node's processes it sees their arguments and environment.",
	Fix:  "Leave hostNetwork, hostPID and hostIPC out.",
	File: "deploy/api.yaml",
	Bad:  sample("      containers:", "      hostNetwork: true\n      containers:", ""),
	Good: sample("      containers:", "      hostNetwork: false\n      containers:", ""),
}

var root = &analysis.Rule{
	ID: "lint/k8s-root", Title: "Containers may run as root", Severity: finding.Medium, Kind: analysis.Posture,
	Refs: []string{"CWE-250", "API8", "V13.2.2", pss},
	Text: "Nothing here keeps an image from running as root. Root in a container is root to whatever it is mounted, and one hole of the kernel away from the node.",
	Fix:  "Set securityContext.runAsNonRoot: true for the pod.",
	File: "deploy/api.yaml",
	Bad:  sample("        runAsNonRoot: true", "        fsGroup: 10001", ""),
	Good: hardened,
}

var escalation = &analysis.Rule{
	ID: "lint/k8s-escalation", Title: "Containers may gain privileges", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-269", "API8", "V13.2.2", pss},
	Text: "Unless it is forbidden, a process becomes root by any setuid program of the image.",
	Fix:  "Set securityContext.allowPrivilegeEscalation: false for each container.",
	File: "deploy/api.yaml",
	Bad:  sample("            allowPrivilegeEscalation: false\n", "", ""),
	Good: hardened,
}

var writable = &analysis.Rule{
	ID: "lint/k8s-writable-root", Title: "Containers may change their own files", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-732", "API8"},
	Text: "Whoever takes over the process can replace programs and code, and keep what they bring.",
	Fix:  "Set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where something has to be written, such as /tmp.",
	File: "deploy/api.yaml",
	Bad:  sample("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", ""),
	Good: hardened,
}

var capabilities = &analysis.Rule{
	ID: "lint/k8s-capabilities", Title: "Containers keep the default capabilities", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-250", "API8", "V13.2.2", pss},
	Text: "By default a container may, among others, send raw packets and give files away. A service that answers HTTP needs none of it.",
	Fix:  "Set securityContext.capabilities.drop: [ALL] for each container; NET_BIND_SERVICE may be added back.",
	File: "deploy/api.yaml",
	Bad:  sample("drop: [ALL]", "drop: [NET_RAW]", ""),
	Good: hardened,
}

var limits = &analysis.Rule{
	ID: "lint/k8s-no-limits", Title: "Containers have no limit of memory", Severity: finding.Medium, Kind: analysis.Posture,
	Refs: []string{"CWE-770", "API4", "V15.2.2"},
	Text: "One container that leaks or is flooded takes the node's memory, and the kernel ends whatever it likes, pods of others among them.",
	Fix:  "Set resources.limits.memory for each container, or a LimitRange for the namespace.",
	File: "deploy/api.yaml",
	Bad:  sample("              memory: 512Mi", "              cpu: 1", ""),
	Good: hardened,
}

var plain = &analysis.Rule{
	ID: "lint/k8s-plain-secret", Title: "A secret is written in a manifest", Severity: finding.High,
	Refs:   []string{"CWE-798", "API8", "V13.3.1"},
	Text:   "Whoever reads the repository knows it, for base64 hides nothing; and whoever may read pods or ConfigMaps of the namespace reads what stands in those.",
	Fix:    "Refer to a Secret that is made outside of the repository, or commit it sealed (SealedSecret, ExternalSecret, SOPS). Then replace the secret, for it is known.",
	Pavise: "settings",
	File:   "deploy/api.yaml",
	Bad:    sample("", "", "          env:\n            - name: JWT_SECRET\n              value: q8Zt2vLw7Rk1\n"),
	Good:   sample("", "", "          env:\n            - name: JWT_SECRET\n              valueFrom:\n                secretKeyRef: {name: api, key: jwt}\n"),
}

var latest = &analysis.Rule{
	ID: "lint/k8s-latest", Title: "A container runs whatever is the latest", Severity: finding.Medium,
	Refs: []string{"CWE-1357", "API8"},
	Text: "Without a tag, or with latest, pods of one deployment may run different software, a rollback rolls nothing back, and a push to the registry is a deployment.",
	Fix:  "Name a version, or better a digest.",
	File: "deploy/api.yaml",
	Bad:  sample("shop/api:1.2", "shop/api:latest", ""),
	Good: hardened,
}

var subPath = &analysis.Rule{
	ID: "lint/k8s-subpath", Title: "A policy is mounted so that it never changes", Severity: finding.Medium,
	Refs:   []string{"CWE-693", "API8", "https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath"},
	Text:   "A file of a ConfigMap that is mounted by subPath is never updated while the pod runs: a policy that was made stricter is not reloaded, and nobody is told.",
	Fix:    "Mount the ConfigMap as a folder, without subPath, and name the file in it.",
	Pavise: "pavise up",
	File:   "deploy/api.yaml",
	Bad:    sample("", "", "          volumeMounts:\n            - name: policy\n              mountPath: /etc/pavise/pavise.yaml\n              subPath: pavise.yaml\n      volumes:\n        - name: policy\n          configMap: {name: pavise}\n"),
	Good:   sample("", "", "          volumeMounts:\n            - name: policy\n              mountPath: /etc/pavise\n      volumes:\n        - name: policy\n          configMap: {name: pavise}\n"),
}

var token = &analysis.Rule{
	ID: "lint/k8s-token", Title: "The pod is given a token of the cluster's API", Severity: finding.Info, Kind: analysis.Posture,
	Refs: []string{"CWE-272", "API8", "V13.2.2"},
	Text: "Whoever takes over the process can ask the cluster's API with it. A service that does not use that API needs none.",
	Fix:  "Set automountServiceAccountToken: false for the pod.",
	File: "deploy/api.yaml",
	Bad:  sample("      automountServiceAccountToken: false\n", "", ""),
	Good: hardened,
}

const goodPractices = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"

// role is a role of the whole cluster, and who it is given to.
func role(rules string) string {
	return `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: api
rules:
` + rules + `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: api
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: api
subjects:
  - kind: ServiceAccount
    name: api
    namespace: shop
`
}

var roleAll = &analysis.Rule{
	ID: "lint/k8s-role-all", Title: "A service account may do everything", Severity: finding.High,
	Refs: []string{"CWE-250", "CWE-269", "API8", "V13.2.2", goodPractices},
	Text: "The account's token lies in the pod. Whoever takes over the process, or reads one file of it, reads all secrets and starts what they like on every node.",
	Fix:  "Name the groups, resources and verbs that the program uses, in a Role of its namespace; a program that does not use the cluster's API needs no role.",
	File: "deploy/rbac.yaml",
	Bad:  role("  - apiGroups: [\"*\"]\n    resources: [\"*\"]\n    verbs: [\"*\"]\n"),
	Good: role("  - apiGroups: [\"\"]\n    resources: [nodes]\n    verbs: [get, list]\n"),
}

var roleSecrets = &analysis.Rule{
	ID: "lint/k8s-role-secrets", Title: "A service account reads the secrets of every namespace", Severity: finding.Medium,
	Refs: []string{"CWE-250", "API8", "V13.2.2", goodPractices},
	Text: "Among them are the tokens and passwords of all other services: one pod that is taken over gives away all. To list is to read, for the answer holds the values.",
	Fix:  "Mount the Secrets that are needed, or name them in resourceNames of a Role with get alone.",
	File: "deploy/rbac.yaml",
	Bad:  role("  - apiGroups: [\"\"]\n    resources: [configmaps, secrets]\n    verbs: [get, list]\n"),
	Good: role("  - apiGroups: [\"\"]\n    resources: [secrets]\n    resourceNames: [api]\n    verbs: [get]\n"),
}
