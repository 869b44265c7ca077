//! Custom resources whose controllers are well known; the others follow the rule for unknown kinds.

use super::short::{A, D, M, MAY, O, R, SURE, UNREAD};
use super::{Rows, Whole, whole};

/// An update of these says no more than one of an unknown kind, whose rule applies.
const fn known(group: &'static str, kind: &'static str, delete: Whole) -> Rows {
    Rows { group, kind, create: whole(A, UNREAD, ""), update: &[], delete, replace: delete }
}

// Whether the thing outside goes too is told by the live policy: the rule in code.
const OUTSIDE: Whole = whole(M, SURE, "");
const DATABASE: Whole = whole(D, MAY, "its volumes go with it");
const CASCADE: Whole = whole(M, SURE, "");
const MACHINES: Whole = whole(O, MAY, "machines are drained and terminated");
const STOPS: Whole = whole(O, SURE, "what it serves stops");

pub(super) const ROWS: &[Rows] = &[
    known("*.services.k8s.aws", "*", OUTSIDE),
    known("*.cnrm.cloud.google.com", "*", OUTSIDE),
    known("*.crossplane.io", "*", OUTSIDE),
    known("*.upbound.io", "*", OUTSIDE),
    known("postgresql.cnpg.io", "Cluster", DATABASE),
    known("postgres-operator.crunchydata.com", "PostgresCluster", DATABASE),
    known("elasticsearch.k8s.elastic.co", "Elasticsearch", DATABASE),
    // With its finalizer it takes all that it manages along: the rule in code.
    known("argoproj.io", "Application", CASCADE),
    known("kustomize.toolkit.fluxcd.io", "Kustomization", CASCADE),
    known("helm.toolkit.fluxcd.io", "HelmRelease", CASCADE),
    known("cluster.x-k8s.io", "Cluster", whole(D, UNREAD, "a whole cluster is deleted")),
    known("cluster.x-k8s.io", "*", MACHINES),
    known("karpenter.sh", "NodePool", MACHINES),
    known("karpenter.sh", "NodeClaim", MACHINES),
    known("cert-manager.io", "Certificate", whole(M, SURE, "its Secret stays")),
    known("external-secrets.io", "ExternalSecret", whole(O, MAY, "its Secret goes with it")),
    known("bitnami.com", "SealedSecret", whole(O, MAY, "its Secret goes with it")),
    known("keda.sh", "ScaledObject", whole(R, MAY, "its target is no longer scaled")),
    known("monitoring.coreos.com", "*", whole(M, SURE, "")),
    known("*networking.istio.io", "*", whole(O, MAY, "traffic may take other ways")),
    known("serving.knative.dev", "Service", STOPS),
    known("tekton.dev", "TaskRun", whole(R, MAY, "work in flight is lost")),
    known("tekton.dev", "PipelineRun", whole(R, MAY, "work in flight is lost")),
    known("tekton.dev", "CustomRun", whole(R, MAY, "work in flight is lost")),
];
