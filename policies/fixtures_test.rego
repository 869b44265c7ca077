# Plans for the tests, in the shape that a plan has.
package countersign.fixtures_test

change := {
	"id": "apps/Deployment/shop/web",
	"operation": "web",
	"resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
	"actions": ["update"],
	"class": "mutating",
	"certainty": "certain",
	"flags": [],
	"preview": {"state": "local", "because": "", "by": ""},
	"before": {},
	"after": {},
	"unknown": [],
	"sensitive": [],
	"replacePaths": [],
	"force": [],
	"warnings": [],
	"withoutEffect": [],
	"propagation": "",
	"guard": {},
}

claim := {
	"id": "/PersistentVolumeClaim/shop/data",
	"resource": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data"},
	"actions": ["delete"],
	"class": "data-loss",
}

namespace := {
	"id": "/Namespace//old",
	"resource": {"apiVersion": "v1", "kind": "Namespace", "namespace": "", "name": "old"},
	"actions": ["delete"],
}

definition := {
	"id": "apiextensions.k8s.io/CustomResourceDefinition//coupons.shop.example",
	"resource": {
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind": "CustomResourceDefinition",
		"namespace": "",
		"name": "coupons.shop.example",
	},
	"actions": ["delete"],
}

facts := {"edges": [], "volumes": [], "roles": [], "instances": [], "owners": [], "contents": [], "declared": []}

by_class := {"none": 0, "additive": 0, "mutating": 0, "disruptive": 0, "outage": 0, "data-loss": 0}

impact := {
	"create": 0,
	"update": 1,
	"replace": 0,
	"delete": 0,
	"byClass": by_class,
	"byKind": {},
	"namespaces": ["shop"],
	"clusterScoped": [],
	"stateful": [],
	"dependents": [],
	"unresolved": [],
	"truncated": false,
}

# A plan with these members of `effect` instead of its own.
plan(other) := {
	"proposal": {"environment": "prod", "operations": []},
	"effect": object.union({"changes": [change], "facts": facts, "impact": impact, "complete": true}, other),
}

# A plan of one change with these members instead of its own.
of_change(other) := plan({"changes": [object.union(change, other)]})

# The ids of findings.
ids(findings) := {finding.id | some finding in findings}
