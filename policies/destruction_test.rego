package countersign.destruction_test

import data.countersign.destruction
import data.countersign.fixtures_test as fixtures


test_a_plan_that_destroys_nothing_passes if {
	count(destruction.deny) == 0 with input as fixtures.plan({})
	count(destruction.warn) == 0 with input as fixtures.plan({})
}

# Data loss.

test_certain_data_loss_is_denied if {
	plan := fixtures.of_change(object.union(fixtures.claim, {"certainty": "certain"}))
	fixtures.ids(destruction.deny) == {"data_loss"} with input as plan
}

test_data_loss_that_nobody_can_rule_out_is_denied if {
	plan := fixtures.of_change(object.union(fixtures.claim, {"certainty": "unknown"}))
	fixtures.ids(destruction.deny) == {"data_loss"} with input as plan
}

test_data_loss_by_an_update_is_denied if {
	plan := fixtures.of_change({"class": "data-loss"})
	fixtures.ids(destruction.deny) == {"data_loss"} with input as plan
}

test_possible_data_loss_is_told_and_passes if {
	plan := fixtures.of_change({"class": "data-loss", "certainty": "possible"})
	count(destruction.deny) == 0 with input as plan
	fixtures.ids(destruction.warn) == {"data_loss_possible"} with input as plan
}

test_only_possible_data_loss_is_told_as_such if {
	every other in [
		{"class": "data-loss", "certainty": "certain"},
		{"class": "data-loss", "certainty": "unknown"},
		{"class": "outage", "certainty": "possible"},
	] {
		count(destruction.warn) == 0 with input as fixtures.of_change(other)
	}
}

test_data_loss_that_the_trusted_side_names_passes if {
	plan := fixtures.of_change(fixtures.claim)
	count(destruction.deny) == 0 with input as plan
		with data.settings.destroy_allowed as ["/PersistentVolumeClaim/shop/data"]
}

test_naming_another_object_allows_nothing if {
	plan := fixtures.of_change(fixtures.claim)
	count(destruction.deny) == 1 with input as plan
		with data.settings.destroy_allowed as ["/PersistentVolumeClaim/shop/data2", "*", ""]
}

test_data_loss_in_an_environment_for_it_passes if {
	plan := fixtures.of_change(fixtures.claim)
	count(destruction.deny) == 0 with input as plan with data.settings.data_loss_environments as ["prod"]
	count(destruction.deny) == 1 with input as plan with data.settings.data_loss_environments as ["dev"]
}

# Stateful objects.

stateful_plan(other) := fixtures.plan({
	"changes": [object.union(object.union(fixtures.change, {"actions": ["delete"], "class": "outage"}), other)],
	"impact": object.union(fixtures.impact, {"stateful": ["apps/Deployment/shop/web"]}),
})

test_removing_what_holds_data_is_denied if {
	fixtures.ids(destruction.deny) == {"stateful_removed"} with input as stateful_plan({})
}

test_replacing_what_holds_data_is_denied if {
	plan := stateful_plan({"actions": ["delete", "create"]})
	fixtures.ids(destruction.deny) == {"stateful_removed"} with input as plan
}

test_updating_what_holds_data_passes if {
	count(destruction.deny) == 0 with input as stateful_plan({"actions": ["update"]})
}

test_removing_what_holds_no_data_passes if {
	plan := fixtures.of_change({"actions": ["delete"], "class": "outage"})
	count(destruction.deny) == 0 with input as plan
}

test_removing_what_holds_data_can_be_allowed if {
	count(destruction.deny) == 0 with input as stateful_plan({})
		with data.settings.destroy_allowed as ["apps/Deployment/shop/web"]
}

test_what_loses_its_data_is_denied_once if {
	plan := stateful_plan({"class": "data-loss"})
	fixtures.ids(destruction.deny) == {"data_loss"} with input as plan
}

# Namespaces and definitions.

test_changing_a_namespace_or_a_definition_passes if {
	every kind in [fixtures.namespace, fixtures.definition] {
		plan := fixtures.of_change(object.union(kind, {"actions": ["update"]}))
		count(destruction.deny) == 0 with input as plan
	}
}

test_what_takes_others_along_is_denied_once_and_by_the_rule_that_says_more if {
	every kind, rule in {"namespace": "namespace_in_use", "definition": "definition_in_use"} {
		objects := {"namespace": fixtures.namespace, "definition": fixtures.definition}
		plan := fixtures.of_change(object.union(objects[kind], {"class": "data-loss"}))
		fixtures.ids(destruction.deny) == {rule} with input as plan
	}
}

test_an_environment_for_it_lets_namespaces_and_definitions_go if {
	every kind in [fixtures.namespace, fixtures.definition] {
		count(destruction.deny) == 0 with input as fixtures.of_change(kind)
			with data.settings.data_loss_environments as ["prod"]
	}
}

test_deleting_a_namespace_or_a_definition_can_be_allowed if {
	every kind in [fixtures.namespace, fixtures.definition] {
		count(destruction.deny) == 0 with input as fixtures.of_change(kind)
			with data.settings.destroy_allowed as [kind.id]
	}
}

test_deleting_a_namespace_in_use_is_denied if {
	facts := object.union(fixtures.facts, {"contents": [{"namespace": "old", "cases": ["workload"]}]})
	plan := fixtures.plan({"changes": [object.union(fixtures.change, fixtures.namespace)], "facts": facts})
	fixtures.ids(destruction.deny) == {"namespace_in_use"} with input as plan
}

test_deleting_a_namespace_that_nobody_looked_into_is_denied if {
	fixtures.ids(destruction.deny) == {"namespace_in_use"} with input as fixtures.of_change(fixtures.namespace)
}

test_deleting_an_empty_namespace_passes if {
	facts := object.union(fixtures.facts, {"contents": [{"namespace": "old", "cases": []}]})
	plan := fixtures.plan({"changes": [object.union(fixtures.change, fixtures.namespace)], "facts": facts})
	count(destruction.deny) == 0 with input as plan
}

test_deleting_a_definition_in_use_is_denied if {
	every known in ["yes", "unread"] {
		facts := object.union(fixtures.facts, {"instances": [{"crd": fixtures.definition.id, "some": known}]})
		plan := fixtures.plan({"changes": [object.union(fixtures.change, fixtures.definition)], "facts": facts})
		fixtures.ids(destruction.deny) == {"definition_in_use"} with input as plan
	}
}

test_deleting_a_definition_that_nobody_counted_is_denied if {
	fixtures.ids(destruction.deny) == {"definition_in_use"} with input as fixtures.of_change(fixtures.definition)
}

test_deleting_an_unused_definition_passes if {
	facts := object.union(fixtures.facts, {"instances": [{"crd": fixtures.definition.id, "some": "no"}]})
	plan := fixtures.plan({"changes": [object.union(fixtures.change, fixtures.definition)], "facts": facts})
	count(destruction.deny) == 0 with input as plan
}

# Protections.

budget := object.union(fixtures.change, {
	"id": "policy/PodDisruptionBudget/shop/web",
	"resource": {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "namespace": "shop", "name": "web"},
	"actions": ["delete"],
	"flags": ["guard-removed"],
})

guarded(edge, actions) := fixtures.plan({
	"changes": [object.union(fixtures.change, {"actions": actions, "class": "outage"}), budget],
	"facts": object.union(fixtures.facts, {"edges": [edge]}),
})

test_a_protection_and_what_it_protects_are_not_removed_together if {
	plan := guarded({"from": "apps/Deployment/shop/web", "to": budget.id}, ["delete"])
	fixtures.ids(destruction.deny) == {"guard_and_guarded"} with input as plan
}

test_it_does_not_matter_who_refers_to_whom if {
	plan := guarded({"from": budget.id, "to": "apps/Deployment/shop/web"}, ["delete"])
	fixtures.ids(destruction.deny) == {"guard_and_guarded"} with input as plan
}

test_a_protection_removed_alone_passes if {
	plan := guarded({"from": "apps/Deployment/shop/web", "to": budget.id}, ["update"])
	count(destruction.deny) == 0 with input as plan
}

test_a_protection_of_something_else_passes if {
	plan := guarded({"from": "apps/Deployment/shop/api", "to": budget.id}, ["delete"])
	count(destruction.deny) == 0 with input as plan
}

selecting(path, selector, labels) := selecting_in(path, selector, {"spec": {"template": {"metadata": {"labels": labels}}}})

selecting_in(path, selector, before) := fixtures.plan({"changes": [
	object.union(fixtures.change, {"actions": ["delete"], "class": "outage", "before": before}),
	object.union(budget, {"before": {"spec": {path: selector}}, "resource": {"kind": kind_of[path]}}),
]})

kind_of := {"selector": "PodDisruptionBudget", "podSelector": "NetworkPolicy"}

test_a_protection_that_selects_what_is_removed_is_found if {
	every path in ["selector", "podSelector"] {
		every selector in [
			{},
			{"matchLabels": {"app": "web"}},
			{"matchLabels": {"app": "web", "tier": "front"}},
			{"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
		] {
			plan := selecting(path, selector, {"app": "web", "tier": "front", "x": "y"})
			fixtures.ids(destruction.deny) == {"guard_and_guarded"} with input as plan
		}
	}
}

test_the_pods_of_every_kind_of_workload_are_selected if {
	template := {"metadata": {"labels": {"app": "web"}}}
	every before in [template, {"spec": {"template": template}}, {"spec": {"jobTemplate": {"spec": {"template": template}}}}] {
		plan := selecting_in("selector", {"matchLabels": {"app": "web"}}, before)
		fixtures.ids(destruction.deny) == {"guard_and_guarded"} with input as plan
	}
}

test_odd_shapes_are_no_error if {
	every before in [{"metadata": null}, {"metadata": {"labels": null}}, {"spec": "x"}, {"spec": []}, null, {}] {
		every selector in [{"matchLabels": {"app": "web"}}, {"matchLabels": null}, "x", [], null] {
			count(destruction.deny) == 0 with input as selecting_in("selector", selector, before)
		}
	}
}

test_a_protection_that_selects_something_else_passes if {
	every selector in [
		{"matchLabels": {"app": "api"}},
		{"matchLabels": {"app": "web", "tier": "back"}},
		{"matchLabels": {"other": "web"}},
		null,
	] {
		plan := selecting("selector", selector, {"app": "web", "tier": "front"})
		count(destruction.deny) == 0 with input as plan
	}
}

test_a_protection_in_another_namespace_passes if {
	plan := selecting("selector", {}, {})
	other := object.union(plan.effect.changes[1], {"resource": {"namespace": "elsewhere"}})
	moved := fixtures.plan({"changes": [plan.effect.changes[0], other]})
	count(destruction.deny) == 0 with input as moved
}

test_a_protection_that_stays_passes if {
	plan := selecting("selector", {}, {})
	other := object.union(plan.effect.changes[1], {"flags": []})
	count(destruction.deny) == 0 with input as fixtures.plan({"changes": [plan.effect.changes[0], other]})
}

test_no_edge_of_what_is_removed_alone_is_minded if {
	every edge in [
		{"from": "apps/Deployment/shop/web", "to": "apps/Deployment/shop/api"},
		{"from": "apps/Deployment/shop/api", "to": "apps/Deployment/shop/web"},
	] {
		count(destruction.deny) == 0 with input as guarded(edge, ["delete"])
	}
}

test_an_object_that_loses_its_own_protection_is_not_removed if {
	plan := fixtures.of_change({"actions": ["delete"], "class": "outage", "flags": ["guard-removed"]})
	fixtures.ids(destruction.deny) == {"guard_and_guarded"} with input as plan
	count(destruction.deny) == 0 with input as plan
		with data.settings.destroy_allowed as ["apps/Deployment/shop/web"]
}

# What cannot be undone.

test_what_cannot_be_undone_is_told if {
	plan := fixtures.of_change({"flags": ["irreversible"]})
	fixtures.ids(destruction.warn) == {"irreversible"} with input as plan
	count(destruction.deny) == 0 with input as plan
}
