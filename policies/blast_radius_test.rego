package countersign.blast_radius_test

import data.countersign.blast_radius
import data.countersign.fixtures_test as fixtures

of_impact(other) := fixtures.plan({"impact": object.union(fixtures.impact, other)})

test_a_small_plan_passes if {
	count(blast_radius.deny) == 0 with input as fixtures.plan({})
	count(blast_radius.warn) == 0 with input as fixtures.plan({})
	count(blast_radius.require_approval) == 0 with input as fixtures.plan({})
}

test_changes_are_counted if {
	at := of_impact({"create": 4, "update": 3, "replace": 2, "delete": 1})
	count(blast_radius.deny) == 0 with input as at with data.settings.max_changes as 10
	fixtures.ids(blast_radius.deny) == {"too_many_changes"} with input as at with data.settings.max_changes as 9
}

test_removals_are_counted if {
	at := of_impact({"replace": 2, "delete": 1})
	count(blast_radius.deny) == 0 with input as at with data.settings.max_deletes as 3
	fixtures.ids(blast_radius.deny) == {"too_many_deletes"} with input as at with data.settings.max_deletes as 2
}

test_outages_are_counted if {
	at := of_impact({"byClass": object.union(fixtures.by_class, {"outage": 2, "data-loss": 1})})
	count(blast_radius.deny) == 0 with input as at with data.settings.max_outages as 3
	fixtures.ids(blast_radius.deny) == {"too_many_outages"} with input as at with data.settings.max_outages as 2
}

test_namespaces_are_counted if {
	at := of_impact({"namespaces": ["a", "b", "c"]})
	count(blast_radius.deny) == 0 with input as at with data.settings.max_namespaces as 3
	fixtures.ids(blast_radius.deny) == {"too_many_namespaces"} with input as at
		with data.settings.max_namespaces as 2
}

test_an_outage_is_told if {
	every certainty in ["certain", "possible", "unknown"] {
		plan := fixtures.of_change({"class": "outage", "certainty": certainty})
		fixtures.ids(blast_radius.warn) == {"outage"} with input as plan
	}
}

test_an_outage_needs_no_other_people_by_default if {
	count(blast_radius.require_approval) == 0 with input as fixtures.of_change({"class": "outage"})
}

test_an_outage_needs_the_role_that_is_set if {
	wanted := {{"id": "outage", "msg": "something that runs is stopped", "role": "sre", "count": 2}}
	blast_radius.require_approval == wanted with input as fixtures.of_change({"class": "outage"})
		with data.settings.outage_role as "sre"
		with data.settings.outage_count as 2
}

test_no_outage_needs_no_role if {
	count(blast_radius.require_approval) == 0 with input as fixtures.plan({})
		with data.settings.outage_role as "sre"
		with data.settings.dependents_role as "sre"
}

test_dependents_are_counted if {
	at := of_impact({"dependents": ["a", "b"]})
	count(blast_radius.warn) == 0 with input as at with data.settings.max_dependents as 2
	fixtures.ids(blast_radius.warn) == {"too_many_dependents"} with input as at
		with data.settings.max_dependents as 1
}

test_many_dependents_need_the_role_that_is_set if {
	at := of_impact({"dependents": ["a", "b"]})
	wanted := {{
		"id": "too_many_dependents",
		"msg": "many other objects depend on what is disrupted",
		"role": "sre",
		"count": 3,
	}}
	blast_radius.require_approval == wanted with input as at
		with data.settings.max_dependents as 1
		with data.settings.dependents_role as "sre"
		with data.settings.dependents_count as 3
}

test_many_dependents_need_no_other_people_by_default if {
	at := of_impact({"dependents": ["a", "b"]})
	count(blast_radius.require_approval) == 0 with input as at with data.settings.max_dependents as 1
}
