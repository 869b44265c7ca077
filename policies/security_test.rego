package countersign.security_test

import data.countersign.fixtures_test as fixtures
import data.countersign.security

flagged(flag) := fixtures.of_change({"flags": [flag]})

test_a_plan_without_flags_passes if {
	count(security.deny) == 0 with input as fixtures.plan({})
	count(security.warn) == 0 with input as fixtures.plan({})
}

test_authority_to_take_over_is_denied if {
	fixtures.ids(security.deny) == {"escalation"} with input as flagged("escalation")
}

test_authority_that_the_trusted_side_names_passes if {
	count(security.deny) == 0 with input as flagged("escalation")
		with data.settings.escalation_allowed as ["apps/Deployment/shop/web"]
}

test_host_access_is_denied if {
	fixtures.ids(security.deny) == {"host"} with input as flagged("host")
}

test_host_access_in_a_namespace_for_it_passes if {
	count(security.deny) == 0 with input as flagged("host") with data.settings.host_namespaces as ["shop"]
	count(security.deny) == 1 with input as flagged("host") with data.settings.host_namespaces as ["agents"]
}

in_namespace(name) := object.union(fixtures.change.resource, {"namespace": name})

test_a_change_to_the_system_is_denied if {
	fixtures.ids(security.deny) == {"system"} with input as flagged("system")
	plan := fixtures.of_change({"resource": in_namespace("kube-system")})
	fixtures.ids(security.deny) == {"system"} with input as plan
}

test_a_change_to_a_namespace_of_the_system_is_denied if {
	resource := {"apiVersion": "v1", "kind": "Namespace", "namespace": "", "name": "kube-system"}
	fixtures.ids(security.deny) == {"system"} with input as fixtures.of_change({"resource": resource})
}

test_another_namespace_passes if {
	resource := {"apiVersion": "v1", "kind": "Namespace", "namespace": "", "name": "shop"}
	count(security.deny) == 0 with input as fixtures.of_change({"resource": resource})
}

test_a_name_alone_is_no_system if {
	resource := {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "kube-system"}
	count(security.deny) == 0 with input as fixtures.of_change({"resource": resource})
}

test_no_change_to_the_system_passes if {
	plan := fixtures.of_change({"resource": in_namespace("kube-system"), "actions": []})
	count(security.deny) == 0 with input as plan
}

test_a_change_to_the_system_can_be_allowed if {
	count(security.deny) == 0 with input as flagged("system")
		with data.settings.system_allowed as ["apps/Deployment/shop/web"]
}

test_what_is_notable_is_told if {
	every flag in [
		"admission", "exposure", "guard-removed", "identity", "owner", "privilege",
		"secret-access", "unpinned-image",
	] {
		fixtures.ids(security.warn) == {replace(flag, "-", "_")} with input as flagged(flag)
		count(security.deny) == 0 with input as flagged(flag)
	}
}
