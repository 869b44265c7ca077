# Whether a plan can be trusted to show what it will do.
package countersign.plan

import data.countersign.lib

# A plan that does not show everything cannot be judged.
deny contains {"id": "incomplete", "msg": msg} if {
	not input.effect.complete
	msg := concat("", [
		"the plan is incomplete: something could not be previewed or read; ",
		"settle what its review shows as blocked or unresolved, then plan again",
	])
}

# Force takes fields away from whoever manages them.
warn contains {"id": "force", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	some forced in change.force
	msg := sprintf(
		"%s: takes %s over from %s, which may fight for it; tell its owner",
		[lib.label(change), forced.path, forced.manager],
	)
}

warn contains {"id": "force_asked", "msg": msg} if {
	some operation in input.proposal.operations
	operation.force == "allowed"
	msg := sprintf(
		"operation %s may take fields over from other managers; leave `force` out if it need not",
		[operation.id],
	)
}

# Somebody else holds the field, so what was asked for will not happen.
warn contains {"id": "without_effect", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	some path in change.withoutEffect
	msg := sprintf(
		"%s: %s is asked for and stays as it is, because another object decides it; change that one",
		[lib.label(change), path],
	)
}
