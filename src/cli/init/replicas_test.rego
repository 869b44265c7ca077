package replicas_test

import data.replicas

plan(n) := {"effect": {"changes": [{
	"id": "apps/Deployment/shop/web",
	"resource": {"kind": "Deployment"},
	"after": {"spec": {"replicas": n}},
}]}}

test_a_slip_of_the_finger_is_denied if {
	count(replicas.deny) == 1 with input as plan(500)
}

test_a_usual_number_passes if {
	count(replicas.deny) == 0 with input as plan(5)
}
