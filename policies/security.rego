# Authority, reach and protections. The flags are derived from the plan; see its review for why.
package countersign.security

import data.countersign.lib
import data.settings

deny contains {"id": "escalation", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	"escalation" in change.flags
	not change.id in settings.escalation_allowed
	msg := sprintf(
		"%s: grants authority that suffices to take over; narrow it, or list %q in settings.escalation_allowed on the trusted side first",
		[lib.label(change), change.id],
	)
}

deny contains {"id": "host", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	"host" in change.flags
	not change.resource.namespace in settings.host_namespaces
	msg := sprintf(
		"%s: its pods reach the host or the kernel; take that out, or list namespace %q in settings.host_namespaces on the trusted side first",
		[lib.label(change), change.resource.namespace],
	)
}

deny contains {"id": "system", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	change.actions != []
	is_system(change)
	not change.id in settings.system_allowed
	msg := sprintf(
		"%s: belongs to the system itself; leave it to whoever runs the cluster, or list %q in settings.system_allowed on the trusted side first",
		[lib.label(change), change.id],
	)
}

is_system(change) if "system" in change.flags

is_system(change) if change.resource.namespace in settings.system_namespaces

is_system(change) if {
	change.resource.kind == "Namespace"
	change.resource.name in settings.system_namespaces
}

# What a person should see and a rule cannot decide.
notable := {
	"admission": "changes what the cluster accepts or rewrites; it can lock others out",
	"exposure": "can be reached from more places or by more principals; see that this is meant",
	"guard-removed": "removes or loosens a protection; see who relies on it",
	"identity": "runs as another identity; see what that one may do",
	"owner": "is tied to an owner, and will be deleted with it",
	"privilege": "grants authority that nobody had before; see who gets it",
	"secret-access": "reads a secret that it did not read before",
}

warn contains {"id": replace(flag, "-", "_"), "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	some flag in change.flags
	says := notable[flag]
	msg := sprintf("%s: %s", [lib.label(change), says])
}

warn contains {"id": "unpinned_image", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	"unpinned-image" in change.flags
	msg := sprintf(
		"%s: a changed image has no digest, so what runs can differ from what was reviewed; add @sha256:…",
		[lib.label(change)],
	)
}
