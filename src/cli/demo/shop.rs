//! The scratch shop: the same manifests and proposals that the tests use.

/// Path beneath `manifests/`, and text.
pub(super) const MANIFESTS: [(&str, &str); 19] = [
    ("_cluster/crd-coupons.yaml", include_str!("../../../fixtures/shop/_cluster/crd-coupons.yaml")),
    (
        "_cluster/namespace-shop.yaml",
        include_str!("../../../fixtures/shop/_cluster/namespace-shop.yaml"),
    ),
    (
        "_cluster/priorityclass-high.yaml",
        include_str!("../../../fixtures/shop/_cluster/priorityclass-high.yaml"),
    ),
    ("_cluster/rbac.yaml", include_str!("../../../fixtures/shop/_cluster/rbac.yaml")),
    (
        "_cluster/storageclass-fast.yaml",
        include_str!("../../../fixtures/shop/_cluster/storageclass-fast.yaml"),
    ),
    ("kustomization.yaml", include_str!("../../../fixtures/shop/kustomization.yaml")),
    ("shop/api.yaml", include_str!("../../../fixtures/shop/shop/api.yaml")),
    ("shop/cache.yaml", include_str!("../../../fixtures/shop/shop/cache.yaml")),
    ("shop/config.yaml", include_str!("../../../fixtures/shop/shop/config.yaml")),
    ("shop/coupon-spring.yaml", include_str!("../../../fixtures/shop/shop/coupon-spring.yaml")),
    ("shop/db.yaml", include_str!("../../../fixtures/shop/shop/db.yaml")),
    ("shop/ingress.yaml", include_str!("../../../fixtures/shop/shop/ingress.yaml")),
    ("shop/limits.json", include_str!("../../../fixtures/shop/shop/limits.json")),
    (
        "shop/networkpolicy-default.yaml",
        include_str!("../../../fixtures/shop/shop/networkpolicy-default.yaml"),
    ),
    ("shop/rbac.yaml", include_str!("../../../fixtures/shop/shop/rbac.yaml")),
    ("shop/report.yaml", include_str!("../../../fixtures/shop/shop/report.yaml")),
    ("shop/serviceaccounts.yaml", include_str!("../../../fixtures/shop/shop/serviceaccounts.yaml")),
    ("shop/web.yaml", include_str!("../../../fixtures/shop/shop/web.yaml")),
    ("shop/worker.yaml", include_str!("../../../fixtures/shop/shop/worker.yaml")),
];

/// A model's answer: prose with one fenced proposal.
pub(super) const ANSWER: &str = include_str!("../../../fixtures/proposals/scale-web.chat.md");

/// A destructive proposal.
pub(super) const DROP_DB: &str = include_str!("../../../fixtures/proposals/drop-db.yaml");
