package countersign.plan_test

import data.countersign.fixtures_test as fixtures
import data.countersign.plan

test_a_complete_plan_passes if {
	count(plan.deny) == 0 with input as fixtures.plan({})
	count(plan.warn) == 0 with input as fixtures.plan({})
}

test_an_incomplete_plan_is_denied if {
	fixtures.ids(plan.deny) == {"incomplete"} with input as fixtures.plan({"complete": false})
}

test_a_plan_that_does_not_say_is_denied if {
	fixtures.ids(plan.deny) == {"incomplete"} with input as {"effect": {"changes": []}, "proposal": {"operations": []}}
}

test_force_is_told if {
	forced := {"force": [{"path": "/spec/replicas", "manager": "hpa"}]}
	fixtures.ids(plan.warn) == {"force"} with input as fixtures.of_change(forced)
}

test_force_that_is_asked_for_is_told if {
	asked := object.union(fixtures.plan({}), {"proposal": {"operations": [{"id": "web", "force": "allowed"}]}})
	fixtures.ids(plan.warn) == {"force_asked"} with input as asked
}

test_force_that_is_not_asked_for_is_not_told if {
	asked := object.union(fixtures.plan({}), {"proposal": {"operations": [{"id": "web", "force": "refused"}]}})
	count(plan.warn) == 0 with input as asked
}

test_what_has_no_effect_is_told if {
	without := {"withoutEffect": ["/spec/replicas"]}
	fixtures.ids(plan.warn) == {"without_effect"} with input as fixtures.of_change(without)
}
