//! Kinds that carry traffic.

use super::When::{Becomes, Leaves, Removed};
use super::short::{A, M, MAY, O, R, SURE, UNREAD};
use super::{Row, Rows, least, row, whole};
use crate::document::effect::Flag;

const OPEN: &[Flag] = &[Flag::Exposure];

/// Keys that no load-balancer, DNS or certificate controller acts on.
pub(super) const QUIET_ANNOTATIONS: [Row; 5] = [
    row(
        "/metadata/annotations/**",
        R,
        UNREAD,
        "acted-on",
        "a controller may act on the annotation",
    ),
    row("/metadata/annotations/kubectl.kubernetes.io~1*", M, SURE, "annotations", ""),
    row("/metadata/annotations/meta.helm.sh~1*", M, SURE, "annotations", ""),
    row("/metadata/annotations/app.kubernetes.io~1*", M, SURE, "annotations", ""),
    row("/metadata/annotations/countersign~1*", M, SURE, "annotations", ""),
];
const ACTED_ON: Row = QUIET_ANNOTATIONS[0];
const KUBECTL: Row = QUIET_ANNOTATIONS[1];
const HELM: Row = QUIET_ANNOTATIONS[2];
const APP: Row = QUIET_ANNOTATIONS[3];
const OWN: Row = QUIET_ANNOTATIONS[4];

const SERVICE: &[Row] = &[
    ACTED_ON,
    KUBECTL,
    HELM,
    APP,
    OWN,
    least("/spec/selector/**", "selector"),
    least("/spec/ports/**", "ports"),
    row("/spec/type", M, SURE, "type", ""),
    row("/spec/type", O, MAY, "balancer-gone", "gives its load balancer up")
        .when(Leaves("LoadBalancer")),
    row("/spec/type", O, SURE, "external-name", "gives its cluster IP up")
        .when(Becomes("ExternalName")),
    row("/spec/externalName", O, MAY, "external-name-moved", "sends its clients elsewhere"),
    row("/spec/externalTrafficPolicy", M, SURE, "traffic-policy", ""),
    row(
        "/spec/externalTrafficPolicy",
        O,
        MAY,
        "traffic-local",
        "nodes without a pod drop its traffic",
    )
    .when(Becomes("Local")),
    row("/spec/internalTrafficPolicy", M, SURE, "traffic-policy", ""),
    row(
        "/spec/internalTrafficPolicy",
        O,
        MAY,
        "traffic-local",
        "nodes without a pod drop its traffic",
    )
    .when(Becomes("Local")),
    row("/spec/sessionAffinity", R, MAY, "affinity", "clients may land on other pods"),
    row("/spec/sessionAffinityConfig/**", R, MAY, "affinity", "clients may land on other pods"),
    least("/spec/loadBalancerSourceRanges/**", "source-ranges"),
    row("/spec/externalIPs/**", O, MAY, "external-ips", "an address it answered on may go"),
    row("/spec/externalIPs/**", M, SURE, "external-ips-added", "").when(super::When::Added),
    row("/spec/loadBalancerIP", O, MAY, "address", "its address may change"),
    row("/spec/loadBalancerClass", O, MAY, "balancer-class", "its load balancer may change"),
    row("/spec/allocateLoadBalancerNodePorts", R, MAY, "node-ports", "its node ports may go"),
    row("/spec/healthCheckNodePort", R, MAY, "node-ports", "its node ports may go"),
    row(
        "/spec/publishNotReadyAddresses",
        R,
        MAY,
        "ready",
        "pods that are not ready may get traffic",
    ),
    row("/spec/trafficDistribution", M, SURE, "traffic-policy", ""),
    row("/spec/ipFamilies/**", R, MAY, "families", "an address of it may go"),
    row("/spec/ipFamilyPolicy", R, MAY, "families", "an address of it may go"),
    least("/spec/clusterIP", "cluster-ip"),
    least("/spec/clusterIPs/**", "cluster-ip"),
];

const INGRESS: &[Row] = &[
    ACTED_ON,
    KUBECTL,
    HELM,
    APP,
    OWN,
    least("/spec/rules/**", "rules"),
    row("/spec/defaultBackend/**", O, MAY, "backend", "a path may lead elsewhere"),
    row("/spec/tls/**", R, MAY, "tls", "connections may drop for another certificate"),
    row("/spec/ingressClassName", O, MAY, "class", "another controller takes it over"),
];

const ROUTE: &[Row] = &[
    least("/spec/rules/**", "rules"),
    least("/spec/hostnames/**", "hostnames"),
    row("/spec/parentRefs/**", O, MAY, "parent", "it may leave its gateway"),
    row("/spec/useDefaultGateways", O, MAY, "parent", "it may leave its gateway"),
];

const GATEWAY: &[Row] = &[
    ACTED_ON,
    KUBECTL,
    HELM,
    APP,
    OWN,
    least("/spec/listeners/**", "listeners"),
    row("/spec/gatewayClassName", O, MAY, "class", "another controller takes it over"),
    row("/spec/addresses/**", O, MAY, "addresses", "its address may change"),
    row("/spec/infrastructure/**", R, MAY, "infrastructure", "what serves it may be made anew"),
    row("/spec/**", O, MAY, "spec", "its listeners may change"),
];

const CLASS: &[Row] = &[
    row("/spec/parameters/**", R, UNREAD, "parameters", "its controller may act on them"),
    row("/spec/parametersRef/**", R, UNREAD, "parameters", "its controller may act on them"),
    row("/spec/description", M, SURE, "description", ""),
    least("/spec/controller", "controller"),
    least("/spec/controllerName", "controller"),
];

const SLICE: &[Row] = &[
    least("/endpoints/**", "endpoints"),
    least("/ports/**", "endpoints"),
    least("/subsets/**", "endpoints"),
    least("/addressType", "address-type"),
];

const fn served(group: &'static str, kind: &'static str, update: &'static [Row]) -> Rows {
    Rows {
        group,
        kind,
        create: whole(A, SURE, "").flag(OPEN),
        update,
        delete: whole(O, SURE, "what it served is no longer reached"),
        replace: whole(O, SURE, "what it serves is not reached in between"),
    }
}

const fn class_of(group: &'static str, kind: &'static str) -> Rows {
    Rows {
        group,
        kind,
        create: whole(A, SURE, ""),
        update: CLASS,
        delete: whole(O, MAY, "what names it may no longer be served"),
        replace: whole(O, MAY, "what names it may no longer be served"),
    }
}

const fn slice(group: &'static str, kind: &'static str) -> Rows {
    Rows {
        group,
        kind,
        create: whole(A, SURE, ""),
        update: SLICE,
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    }
}

const ADDRESS: &[Row] = &[row("/spec/**", O, MAY, "spec", "addresses may no longer be given")];

const fn address(kind: &'static str) -> Rows {
    Rows {
        group: "networking.k8s.io",
        kind,
        create: whole(A, SURE, ""),
        update: ADDRESS,
        delete: whole(O, MAY, "addresses may no longer be given"),
        replace: whole(O, MAY, "addresses may no longer be given"),
    }
}

const GATEWAY_API: &str = "gateway.networking.k8s.io";

pub(super) const ROWS: &[Rows] = &[
    Rows {
        group: "",
        kind: "Service",
        create: whole(A, SURE, ""),
        update: SERVICE,
        delete: whole(M, SURE, ""),
        replace: whole(O, SURE, "its addresses change"),
    },
    slice("discovery.k8s.io", "EndpointSlice"),
    slice("", "Endpoints"),
    served("networking.k8s.io", "Ingress", INGRESS),
    served(GATEWAY_API, "HTTPRoute", ROUTE),
    served(GATEWAY_API, "GRPCRoute", ROUTE),
    served(GATEWAY_API, "TCPRoute", ROUTE),
    served(GATEWAY_API, "TLSRoute", ROUTE),
    served(GATEWAY_API, "UDPRoute", ROUTE),
    served(GATEWAY_API, "Gateway", GATEWAY),
    class_of("networking.k8s.io", "IngressClass"),
    class_of(GATEWAY_API, "GatewayClass"),
    Rows {
        group: GATEWAY_API,
        kind: "ReferenceGrant",
        create: whole(A, SURE, "").flag(&[Flag::Privilege]),
        update: &[least("/spec/**", "grants")],
        delete: whole(O, MAY, "references over namespaces may break"),
        replace: whole(O, MAY, "references over namespaces may break"),
    },
    Rows {
        group: "networking.k8s.io",
        kind: "NetworkPolicy",
        create: whole(A, SURE, ""),
        update: &[
            row("/spec/**", O, MAY, "spec", "traffic may be cut off"),
            row("/spec", O, MAY, "spec", "traffic may be cut off").when(Removed),
        ],
        delete: whole(M, SURE, "traffic that it held back gets through")
            .flag(&[Flag::Exposure, Flag::GuardRemoved]),
        replace: whole(O, MAY, "traffic may be cut off"),
    },
    address("ServiceCIDR"),
    address("IPAddress"),
];
