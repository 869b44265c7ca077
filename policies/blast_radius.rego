# How far a plan reaches. The numbers stand in settings.json.
package countersign.blast_radius

import data.countersign.lib
import data.settings

impact := input.effect.impact

# A replacement counts: the old object goes.
removals := impact.delete + impact.replace

changes := impact.create + impact.update + removals

outages := impact.byClass.outage + impact.byClass["data-loss"]

deny contains {"id": "too_many_changes", "msg": msg} if {
	changes > settings.max_changes
	msg := sprintf(
		"%d objects change, more than %d (settings.max_changes); split the plan",
		[changes, settings.max_changes],
	)
}

deny contains {"id": "too_many_deletes", "msg": msg} if {
	removals > settings.max_deletes
	msg := sprintf(
		"%d objects are removed or replaced, more than %d (settings.max_deletes); split the plan",
		[removals, settings.max_deletes],
	)
}

deny contains {"id": "too_many_outages", "msg": msg} if {
	outages > settings.max_outages
	msg := sprintf(
		"%d changes stop something that runs, more than %d (settings.max_outages); split the plan",
		[outages, settings.max_outages],
	)
}

deny contains {"id": "too_many_namespaces", "msg": msg} if {
	count(impact.namespaces) > settings.max_namespaces
	msg := sprintf(
		"%d namespaces are reached, more than %d (settings.max_namespaces): %s; split the plan",
		[count(impact.namespaces), settings.max_namespaces, concat(", ", impact.namespaces)],
	)
}

# Why something stops, and whether that was found out.
stops := {
	"certain": "stops something that runs",
	"possible": "can stop something that runs",
	"unknown": "may stop something that runs; what could be read does not say",
}

outage contains change if {
	some change in input.effect.changes
	change.class == "outage"
}

warn contains {"id": "outage", "change": change.id, "msg": msg} if {
	some change in outage
	msg := sprintf("%s: %s; choose the hour", [lib.label(change), stops[change.certainty]])
}

require_approval contains {
	"id": "outage",
	"msg": "something that runs is stopped",
	"role": settings.outage_role,
	"count": settings.outage_count,
} if {
	settings.outage_role != ""
	count(outage) > 0
}

far if count(impact.dependents) > settings.max_dependents

warn contains {"id": "too_many_dependents", "msg": msg} if {
	far
	msg := sprintf(
		"%d other objects depend on what is disrupted, more than %d (settings.max_dependents); see who owns them",
		[count(impact.dependents), settings.max_dependents],
	)
}

require_approval contains {
	"id": "too_many_dependents",
	"msg": "many other objects depend on what is disrupted",
	"role": settings.dependents_role,
	"count": settings.dependents_count,
} if {
	settings.dependents_role != ""
	far
}
